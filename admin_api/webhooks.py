"""Webhooks: addresses of other programs that are told what happens, signed as Standard Webhooks say. An address that a
rule calls is here too, from its first call on."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field

from admin_api import once, pagination
from admin_api.auth import Admitted, guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Note, Sent, Told
from domain.errors import Conflict, FieldError, Invalid
from runtime.http import PORTS, is_public
from store import audit, webhooks
from store.webhooks import Webhook

router = APIRouter(
    prefix="/webhooks", route_class=guarded(read=Right.CONFIGURE, write=Right.CONFIGURE), tags=["webhooks"]
)

MOST = 50
"""Of a workspace."""
State = Literal["waiting", "done", "dead", "cancelled"]
_KIND = re.compile(r"\*|[a-z]+\.(\*|[a-z_]+)")


def _kind(told: str) -> str:
    if not _KIND.fullmatch(told):
        raise ValueError("write draft.approved, draft.* or *")
    return told


Kind = Annotated[str, Field(max_length=80), AfterValidator(_kind)]
Kinds = Annotated[list[Kind], Field(max_length=50)]
_EVENTS = "Kinds of the log of events, such as draft.approved, draft.* or *; none: only rules call it."


class NewWebhook(Sent):
    url: Annotated[str, Field(min_length=10, max_length=2_000, pattern=r"^https?://[!-~]+$")] = Field(
        description="Public, on port 80 or 443."
    )
    description: Note | None = None
    events: Kinds = Field(default_factory=list, description=_EVENTS)


class WebhookPatch(Sent):
    description: Note | None = None
    events: Kinds | None = Field(None, description=_EVENTS)
    active: bool | None = Field(None, description="False: nothing is sent, and what waits is dropped.")


class WebhookTold(BaseModel):
    id: UUID
    url: str
    description: str
    events: list[str]
    active: bool
    reason: str | None = Field(description="gone: the receiver answered 410.")
    created_at: Moment
    updated_at: Moment


class WithSecret(WebhookTold):
    secret: str = Field(description="whsec_…: the receiver checks the signature with it.")


class Call(Told):
    """`id` is the receiver's `webhook-id`, the same at every attempt."""

    id: UUID
    event: str
    conversation_id: UUID | None
    state: State
    attempts: int
    next_attempt_at: Moment
    status: int | None = Field(description="What the receiver answered last.")
    reason: str | None
    created_at: Moment
    done_at: Moment | None


class WholeCall(Call):
    body: dict[str, Any]


@router.get("")
async def listed(here: Admitted, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[WebhookTold]:
    """Without their secrets."""
    after = pagination.read_id("webhooks", cursor)
    async with here.transaction() as tx:
        rows = await webhooks.page(tx, after, limit + 1)
    return pagination.page(rows, limit, _shown, lambda row: pagination.write("webhooks", row.id))


@router.post("", status_code=201, response_model=WithSecret)
async def create(here: Admitted, wish: NewWebhook, key: once.Key = None) -> Response:
    """With its secret. It is told what happens from now on."""
    _check_public(wish.url)

    async def write() -> WithSecret:
        if len(await webhooks.page(tx, None, MOST)) >= MOST:
            raise Conflict(f"there are {MOST} webhooks here, the most there may be", code="too_many_webhooks")
        made = await webhooks.add(tx, wish.url, wish.description or "", wish.events)
        await audit.add(tx, here.caller.actor, "webhook_added", "webhook", made.id)
        return _with_secret(made)

    async with here.transaction() as tx:
        return await once.answer(tx, once.asked(key, "POST webhooks", wish), 201, write)


def _check_public(url: str) -> None:
    """What can be said before a name is looked up; the rest is checked at every call."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    literal = host.replace(".", "").isdigit() or ":" in host
    if not host or host == "localhost" or (literal and not is_public(host)) or (port and port not in PORTS):
        wrong = FieldError("/url", "must be a public address of the web, on port 80 or 443")
        raise Invalid("this address is not public", errors=[wrong])


@router.get("/{webhook_id}")
async def one(here: Admitted, webhook_id: UUID) -> WithSecret:
    """With its secret."""
    async with here.transaction() as tx:
        return _with_secret(await webhooks.get(tx, webhook_id))


@router.patch("/{webhook_id}")
async def change(here: Admitted, webhook_id: UUID, wish: WebhookPatch) -> WebhookTold:
    """One that was switched off, by a person or by the receiver's 410, is switched on here."""
    async with here.transaction() as tx:
        held = await webhooks.hold(tx, webhook_id)
        await webhooks.change(
            tx, webhook_id, description=held.description if wish.description is None else wish.description,
            kinds=held.events if wish.events is None else wish.events,
            active=held.active if wish.active is None else wish.active,
            reason=held.reason if wish.active is None else None,
        )  # fmt: skip
        changed = sorted(wish.model_dump(exclude_unset=True))
        await audit.add(tx, here.caller.actor, "webhook_changed", "webhook", webhook_id, paths=changed)
        return _shown(await webhooks.get(tx, webhook_id))


@router.delete("/{webhook_id}", status_code=204)
async def remove(here: Admitted, webhook_id: UUID) -> None:
    """With its calls. A rule that calls the address makes it anew, with another secret."""
    async with here.transaction() as tx:
        await webhooks.hold(tx, webhook_id)
        await webhooks.remove(tx, webhook_id)
        await audit.add(tx, here.caller.actor, "webhook_removed", "webhook", webhook_id)


@router.post("/{webhook_id}/rotate")
async def rotate(here: Admitted, webhook_id: UUID) -> WithSecret:
    """A new secret, at once, also for what waits."""
    async with here.transaction() as tx:
        await webhooks.hold(tx, webhook_id)
        await webhooks.new_secret(tx, webhook_id)
        await audit.add(tx, here.caller.actor, "webhook_secret_changed", "webhook", webhook_id)
        return _with_secret(await webhooks.get(tx, webhook_id))


@router.get("/{webhook_id}/calls")
async def calls(
    here: Admitted, webhook_id: UUID, state: State | None = None, limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[Call]:
    """The newest first; `state=dead` is the dead letters. Kept for 30 days."""
    before = pagination.read_id("webhook-calls", cursor)
    async with here.transaction() as tx:
        await webhooks.get(tx, webhook_id)
        rows = await webhooks.calls(tx, webhook_id, state, before, limit + 1)
    return pagination.page(
        rows, limit, Call.model_validate, lambda row: pagination.write("webhook-calls", row.id)
    )


@router.get("/{webhook_id}/calls/{call_id}")
async def one_call(here: Admitted, webhook_id: UUID, call_id: UUID) -> WholeCall:
    """With what is sent."""
    async with here.transaction() as tx:
        row, body = await webhooks.one_call(tx, webhook_id, call_id)
    return WholeCall(**Call.model_validate(row).model_dump(), body=body)


@router.post("/{webhook_id}/calls/{call_id}/replay", status_code=202)
async def replay(here: Admitted, webhook_id: UUID, call_id: UUID) -> Call:
    """Once more, with the same id."""
    async with here.transaction() as tx:
        await webhooks.replay(tx, webhook_id, call_id)
        await audit.add(tx, here.caller.actor, "webhook_replayed", "webhook", webhook_id, call=str(call_id))
        row, _ = await webhooks.one_call(tx, webhook_id, call_id)
    await here.rt.wake.wake("webhooks")
    return Call.model_validate(row)


def _shown(one: Webhook) -> WebhookTold:
    return WebhookTold(
        id=one.id, url=one.url, description=one.description, events=list(one.events), active=one.active,
        reason=one.reason, created_at=one.created_at, updated_at=one.updated_at,
    )  # fmt: skip


def _with_secret(one: Webhook) -> WithSecret:
    return WithSecret(**_shown(one).model_dump(), secret=one.secret)
