"""Conversations: read them, write into them, take them over and give them back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from admin_api import once, pagination
from admin_api.auth import Admitted, Guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import (
    Contact,
    ContextValue,
    Conversation,
    ConversationDetail,
    Message,
    Owner,
    Reply,
    State,
    TakeOver,
    Turn,
)
from runtime.wake import DELIVERIES, EVENTS, TURNS
from store import contacts, conversations, drafts, turns, workspaces
from store.db import Tx

router = APIRouter(prefix="/conversations", route_class=Guarded, tags=["conversations"])


@router.get("")
async def listed(
    here: Admitted,
    state: State | None = None,
    owner: Owner | None = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[Conversation]:
    """The most recently moved first."""
    before = pagination.read_moment("conversations", cursor)
    async with here.transaction() as tx:
        rows = await conversations.page(tx, state=state, owner=owner, before=before, limit=limit + 1)
        names = await contacts.names(tx, {row.contact_id for row in rows})
    return pagination.page(
        rows,
        limit,
        lambda row: Conversation.model_validate(row).model_copy(
            update={"contact_name": names.get(row.contact_id)}
        ),
        lambda row: pagination.write("conversations", row.updated_at, row.id),
    )


@router.get("/{conversation_id}")
async def one(here: Admitted, conversation_id: UUID) -> ConversationDetail:
    """With the contact, what is known so far, and the draft that waits for a decision."""
    async with here.transaction() as tx:
        found = await conversations.get(tx, conversation_id)
        contact = await conversations.contact(tx, found)
        context = await conversations.context(tx, conversation_id)
        waiting = await drafts.page(
            tx, state="pending", conversation_id=conversation_id, before=None, limit=1
        )
    return ConversationDetail(
        **Conversation.model_validate(found).model_dump(),
        contact=Contact.model_validate(contact),
        context={name: ContextValue.model_validate(kept) for name, kept in context.items()},
        pending_draft_id=waiting[0].id if waiting else None,
    )


@router.get("/{conversation_id}/messages")
async def messages(
    here: Admitted, conversation_id: UUID,
    after: Annotated[int | None, Query(ge=0, lt=2**63, description="Only messages with a higher `seq`.")] = None,
    limit: Limit = LIMIT, cursor: Cursor = None,
) -> Page[Message]:  # fmt: skip
    """In the order of `seq`, oldest first. `cursor` goes before `after`."""
    seen = pagination.read_seq("messages", cursor)
    async with here.transaction() as tx:
        await conversations.get(tx, conversation_id)
        rows = await conversations.messages(tx, conversation_id, after if seen is None else seen, limit + 1)
    return pagination.page(
        rows, limit, Message.model_validate, lambda row: pagination.write("messages", row.seq)
    )


@router.post("/{conversation_id}/messages", status_code=201, response_model=Message)
async def reply(here: Admitted, conversation_id: UUID, said: Reply, key: once.Key = None) -> Response:
    """A person writes. The assistant is silent from now on, for as long as the policy says; what it had not
    sent yet is taken back."""
    caller = here.caller

    async def write() -> Message:
        pause = (await workspaces.get(tx)).profile.policy.pause_after_human
        await conversations.reply(
            tx, conversation_id, caller.person_id, caller.actor, said.text, here.rt.split, pause
        )
        return await _newest(tx, conversation_id)

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST conversations/{conversation_id}/messages", said)
        answer = await once.answer(tx, asked, 201, write)
    await here.rt.wake.wake(DELIVERIES)
    return answer


async def _newest(tx: Tx, conversation_id: UUID) -> Message:
    """The conversation is held, so that its last message is the one just written."""
    held = await conversations.get(tx, conversation_id)
    (newest,) = await conversations.messages(tx, conversation_id, held.last_seq - 1, 1)
    return Message.model_validate(newest)


@router.post("/{conversation_id}/takeover", response_model=Conversation)
async def take_over(
    here: Admitted, conversation_id: UUID, wish: TakeOver | None = None, key: once.Key = None
) -> Response:
    """A person's from now on: the assistant is silent for as long as the policy says, waiting drafts are stale."""
    caller, reason = here.caller, (wish or TakeOver(reason="took_over")).reason

    async def take() -> Conversation:
        pause = (await workspaces.get(tx)).profile.policy.pause_after_human
        await conversations.take_over(tx, conversation_id, caller.person_id, caller.actor, reason, pause)
        return Conversation.model_validate(await conversations.get(tx, conversation_id))

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST conversations/{conversation_id}/takeover", wish)
        answer = await once.answer(tx, asked, 200, take)
    await here.rt.wake.wake(EVENTS)
    return answer


@router.post("/{conversation_id}/release", response_model=Conversation)
async def release(here: Admitted, conversation_id: UUID, key: once.Key = None) -> Response:
    """Back to the assistant, which answers what nobody has."""
    due = False

    async def give_back() -> Conversation:
        nonlocal due
        due = await conversations.release(tx, conversation_id, here.caller.actor)
        return Conversation.model_validate(await conversations.get(tx, conversation_id))

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST conversations/{conversation_id}/release", None)
        answer = await once.answer(tx, asked, 200, give_back)
    await here.rt.wake.wake(TURNS if due else EVENTS)
    return answer


@router.post("/{conversation_id}/close", response_model=Conversation)
async def close(here: Admitted, conversation_id: UUID, key: once.Key = None) -> Response:
    """Done. The customer's next message opens a new conversation."""

    async def end() -> Conversation:
        await conversations.close(tx, conversation_id, here.caller.actor)
        return Conversation.model_validate(await conversations.get(tx, conversation_id))

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST conversations/{conversation_id}/close", None)
        answer = await once.answer(tx, asked, 200, end)
    await here.rt.wake.wake(EVENTS)
    return answer


@router.get("/{conversation_id}/turns")
async def told(
    here: Admitted, conversation_id: UUID, limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[Turn]:
    """Why the assistant answered as it did, the newest turn first."""
    before = pagination.read_id("turns", cursor)
    async with here.transaction() as tx:
        await conversations.get(tx, conversation_id)
        rows = await turns.told(tx, conversation_id, before, limit + 1)
    return pagination.page(rows, limit, Turn.model_validate, lambda row: pagination.write("turns", row.id))
