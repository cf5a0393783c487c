"""Drafts: the assistant's words before a person. Without a yes none leaves."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response

from admin_api import once, pagination
from admin_api.auth import Admitted, Guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import Approval, Draft, DraftState, Rejection
from domain.errors import NotFound
from runtime.wake import DELIVERIES, EVENTS
from store import drafts
from store.db import Tx

router = APIRouter(prefix="/drafts", route_class=Guarded, tags=["drafts"])

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", description="The draft's `ETag`: decide only about the version that you have read."
    ),
]


@router.get("")
async def listed(
    here: Admitted, state: DraftState | None = None, conversation: UUID | None = None,
    limit: Limit = LIMIT, cursor: Cursor = None,
) -> Page[Draft]:  # fmt: skip
    """The newest first."""
    before = pagination.read_id("drafts", cursor)
    async with here.transaction() as tx:
        rows = await drafts.page(
            tx, state=state, conversation_id=conversation, before=before, limit=limit + 1
        )
    return pagination.page(rows, limit, Draft.model_validate, lambda row: pagination.write("drafts", row.id))


@router.get("/{draft_id}")
async def one(here: Admitted, draft_id: UUID, response: Response) -> Draft:
    """Its `ETag` is its version."""
    async with here.transaction() as tx:
        found = await _get(tx, draft_id)
    response.headers["ETag"] = _etag(found.version)
    return Draft.model_validate(found)


@router.post("/{draft_id}/approve", response_model=Draft)
async def approve(
    here: Admitted,
    draft_id: UUID,
    approval: Approval | None = None,
    key: once.Key = None,
    if_match: IfMatch = None,
) -> Response:
    """Send it, as it is or in other words. Whoever decides first decides; whoever comes second is told so."""
    caller, words = here.caller, approval.text if approval else None

    async def send() -> Draft:
        draft = await _get(tx, draft_id)
        version = _version(if_match, draft.version)
        person, actor, split = caller.person_id, caller.actor, here.rt.split
        decided = await drafts.approve(tx, draft_id, person, actor, words, split, version=version)
        return Draft.model_validate(decided)

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST drafts/{draft_id}/approve", approval)
        answer = await once.answer(tx, asked, 200, send)
    answer.headers["ETag"] = _etag(Draft.model_validate_json(bytes(answer.body)).version)
    await here.rt.wake.wake(DELIVERIES)
    return answer


@router.post("/{draft_id}/reject", response_model=Draft)
async def reject(
    here: Admitted,
    draft_id: UUID,
    rejection: Rejection | None = None,
    key: once.Key = None,
    if_match: IfMatch = None,
) -> Response:
    """Nothing is sent."""
    caller, note = here.caller, rejection.reason if rejection else None

    async def drop() -> Draft:
        version = _version(if_match, (await _get(tx, draft_id)).version)
        decided = await drafts.reject(tx, draft_id, caller.person_id, caller.actor, note, version=version)
        return Draft.model_validate(decided)

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST drafts/{draft_id}/reject", rejection)
        answer = await once.answer(tx, asked, 200, drop)
    answer.headers["ETag"] = _etag(Draft.model_validate_json(bytes(answer.body)).version)
    await here.rt.wake.wake(EVENTS)
    return answer


async def _get(tx: Tx, draft_id: UUID) -> drafts.Draft:
    found = await drafts.get(tx, draft_id)
    if found is None:
        raise NotFound("there is no such draft here")
    return found


def _etag(version: int) -> str:
    return f'"{version}"'


def _version(if_match: str | None, current: int) -> int | None:
    """The version that must still be current when the draft is locked; None asks for nothing. Several may be
    listed; a weak tag, or one that is none of ours, matches nothing (RFC 9110, 13.1.1)."""
    if if_match is None or if_match.strip() == "*":
        return None
    named = re.findall(r'(?<!\S)"(\d+)"', if_match.replace(",", " "))
    return current if str(current) in named else -1
