"""What customers said against a value that a person had set: kept beside it until a person takes it over, or does not."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import text

from domain.errors import Conflict, NotFound
from domain.turn import SuggestField
from store import events
from store.db import Tx, new_id

_SUPERSEDE = text(
    "update field_suggestion set state = 'superseded', decided_at = frontdesk_now() where state = 'open'"
    " and conversation_id = :conversation and field = any(:fields)"
)
_ADD = text(
    "insert into field_suggestion (workspace_id, id, conversation_id, field, value, words, confidence, evidence_seq,"
    " turn_id) values (:w, :id, :conversation, :field, :value, :words, :confidence, :seq, :turn)"
)
_COLUMNS = (
    "id, conversation_id, field, value, words, confidence, evidence_seq, turn_id, state, decided_by, decided_at,"
    " created_at"
)
_OPEN = text(
    f"select {_COLUMNS} from field_suggestion where conversation_id = :conversation and field = :field"  # noqa: S608
    " and state = 'open'"
)
_PAGE = text(
    f"select {_COLUMNS} from field_suggestion where (cast(:state as text) is null or state = :state)"  # noqa: S608
    " and (cast(:conversation as uuid) is null or conversation_id = :conversation)"
    " and (cast(:before as uuid) is null or id < :before) order by id desc limit :limit"
)
_GET = text(f"select {_COLUMNS} from field_suggestion where id = :id")  # noqa: S608
_DECIDE = text(
    "update field_suggestion set state = :state, decided_by = :person, decided_at = frontdesk_now()"
    " where id = :id and state = 'open' returning id"
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`state` is open, accepted, dismissed, or superseded: a person set the field, or the customer said yet another."""

    id: UUID
    conversation_id: UUID
    field: str
    value: Any
    words: str
    confidence: float
    evidence_seq: int
    turn_id: UUID | None
    state: str
    decided_by: UUID | None
    decided_at: datetime | None
    created_at: datetime


async def add(tx: Tx, conversation_id: UUID, turn_id: UUID | None, effect: SuggestField) -> None:
    """The conversation is held. The same said again changes nothing; something else takes its place."""
    value = to_jsonable_python(effect.value, fallback=str)
    asked = {"conversation": conversation_id, "field": effect.name}
    row = (await tx.execute(_OPEN, asked)).first()
    if row is not None and _one(tx, row).value == value:
        return
    await supersede(tx, conversation_id, [effect.name])
    suggestion_id = new_id()
    values = asked | {"w": tx.workspace_id, "id": suggestion_id, "confidence": effect.confidence}
    values |= {
        "value": tx.vault.seal("field_suggestion.value", json.dumps(value)),
        "words": tx.vault.seal("field_suggestion.words", effect.words),
        "seq": effect.evidence_seq,
        "turn": turn_id,
    }
    await tx.execute(_ADD, values)
    await events.add(tx, "context.suggested", conversation_id, suggestion_id, field=effect.name)


async def supersede(tx: Tx, conversation_id: UUID, fields: Collection[str]) -> None:
    """A person has set these, or they are another schema's: what was suggested for them is out of date."""
    await tx.execute(_SUPERSEDE, {"conversation": conversation_id, "fields": list(fields)})


async def page(
    tx: Tx, *, state: str | None, conversation_id: UUID | None, before: UUID | None, limit: int
) -> list[Suggestion]:
    """Newest first."""
    values = {"state": state, "conversation": conversation_id, "before": before, "limit": limit}
    return [_one(tx, row) for row in await tx.execute(_PAGE, values)]


async def get(tx: Tx, suggestion_id: UUID) -> Suggestion:
    """Raise NotFound."""
    row = (await tx.execute(_GET, {"id": suggestion_id})).first()
    if row is None:
        raise NotFound("there is no such suggestion here")
    return _one(tx, row)


async def decide(tx: Tx, suggestion_id: UUID, state: str, person_id: UUID | None) -> None:
    """Raise Conflict when it is open no more: whoever decides first decides."""
    values = {"id": suggestion_id, "state": state, "person": person_id}
    if (await tx.execute(_DECIDE, values)).first() is None:
        standing = (await get(tx, suggestion_id)).state
        raise Conflict(f"it is {standing} already", code="suggestion_decided")


def _one(tx: Tx, row: Any) -> Suggestion:
    fields = dict(row._mapping)
    fields["value"] = json.loads(tx.vault.open("field_suggestion.value", bytes(fields["value"])))
    fields["words"] = tx.vault.open("field_suggestion.words", bytes(fields["words"]))
    return Suggestion(**fields)
