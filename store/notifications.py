"""What people of a business should know: written in the transaction of what happened, read or unread.

To write one: `await notifications.add(tx, Kind.HANDOFF, conversation_id=…, reason="complaint")`. Whoever has one of
`roles`, is active and has not said otherwise gets it; the same about the same conversation, while unread, is counted
up and not repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import NotFound
from store.db import Tx


class Kind(StrEnum):
    """What a person can want to know, or not."""

    HANDOFF = "handoff"  # the assistant has given a conversation to a person
    DRAFT = "draft"  # words wait for a decision
    DRAFT_EXPIRED = "draft_expired"  # and nobody decided
    DELIVERY_FAILED = "delivery_failed"  # a message will not arrive
    CHANNEL_SUSPENDED = "channel_suspended"  # the provider refuses us; nothing is sent there
    MONEY = "money"  # money moves, waits for approval, or came back
    CALENDAR = "calendar"  # a calendar elsewhere and the appointments here do not agree, or it is not reached
    CALLBACK = "callback"  # a customer waits for a call
    CRM = "crm"  # the CRM is not reached, or has not what it is to have
    RULE = "rule"  # a rule of the business says so, in its own words


WORKING, RUNNING = ("owner", "admin", "agent"), ("owner", "admin")

_ADD = text(
    "insert into notification (workspace_id, id, person_id, kind, topic, conversation_id, subject_id, reason, body)"
    " select p.workspace_id, gen_random_uuid(), p.id, :kind, :topic, :conversation, :subject, :reason, :body from person p"
    " where p.state = 'active' and p.role = any(:roles) and (cast(:person as uuid) is null or p.id = :person)"
    " and not exists (select from notification_preference f where f.workspace_id = p.workspace_id"
    "  and f.person_id = p.id and f.kind = :kind and f.way = 'in_app' and not f.wanted) order by p.id"
    " on conflict (workspace_id, person_id, kind, topic) where read_at is null"
    " do update set subject_id = excluded.subject_id, reason = excluded.reason, body = excluded.body,"
    " times = notification.times + 1, at = excluded.at"
)
_SETTLE = text(
    "update notification set read_at = frontdesk_now() where kind = :kind and read_at is null"
    " and (subject_id = :subject or conversation_id = :conversation)"
)
_COLUMNS = "id, person_id, kind, conversation_id, subject_id, reason, body, times, at, read_at"
_PAGE = text(
    f"select {_COLUMNS} from notification where person_id = :person and (not :unread or read_at is null)"  # noqa: S608
    " and (cast(:before_at as timestamptz) is null or (at, id) < (:before_at, :before_id))"
    " order by at desc, id desc limit :limit"
)
_UNREAD = text("select count(*) from notification where person_id = :person and read_at is null")
_READ = text(
    f"update notification set read_at = coalesce(read_at, frontdesk_now()) where id = :id and person_id = :person"  # noqa: S608
    f" returning {_COLUMNS}"
)
_READ_ALL = text(
    "update notification set read_at = frontdesk_now() where person_id = :person and read_at is null and at <= :until"
)
_PREFERENCES = text("select kind, way, wanted from notification_preference where person_id = :person")
_PREFER = text(
    "insert into notification_preference (workspace_id, person_id, kind, way, wanted)"
    " values (:w, :person, :kind, :way, :wanted)"
    " on conflict (workspace_id, person_id, kind, way) do update set wanted = excluded.wanted"
)
WAYS = ("in_app",)
"""By which a notification can reach a person today."""


@dataclass(frozen=True, slots=True)
class Notification:
    id: UUID
    kind: str
    conversation_id: UUID | None
    subject_id: UUID | None
    reason: str | None
    text: str | None
    times: int
    at: datetime
    read_at: datetime | None


async def add(
    tx: Tx, kind: Kind, *, conversation_id: UUID | None = None, subject_id: UUID | None = None,
    reason: str | None = None, words: str | None = None, roles: Sequence[str] = WORKING, person_id: UUID | None = None,
) -> None:  # fmt: skip
    """To everybody of these roles, or to the one person. `reason` is a code; `words` are kept sealed. Two of a kind
    about one conversation (else about one subject) are the same; of a rule's, when the rule is the same too."""
    about = [conversation_id or subject_id, reason if kind is Kind.RULE else None]
    values: dict[str, Any] = {"topic": " ".join(str(one) for one in about if one)}
    values |= {"kind": str(kind), "conversation": conversation_id, "subject": subject_id, "reason": reason}
    values |= {"body": tx.vault.seal_maybe("notification.body", words), "roles": list(roles)}
    await tx.execute(_ADD, values | {"person": person_id})


async def settle(
    tx: Tx, kind: Kind, *, conversation_id: UUID | None = None, subject_id: UUID | None = None
) -> None:
    """It needs nobody any more: somebody has seen to it."""
    values = {"kind": str(kind), "subject": subject_id, "conversation": conversation_id}
    await tx.execute(_SETTLE, values)


async def page(
    tx: Tx, person_id: UUID, *, unread: bool, before: tuple[datetime, UUID] | None, limit: int
) -> list[Notification]:
    """The newest first; `before` is (at, id) of the last one seen."""
    before_at, before_id = before or (None, None)
    values = {"person": person_id, "unread": unread, "before_at": before_at, "before_id": before_id}
    return [_notification(tx, row) for row in await tx.execute(_PAGE, values | {"limit": limit})]


async def unread(tx: Tx, person_id: UUID) -> int:
    return int((await tx.execute(_UNREAD, {"person": person_id})).scalar_one())


async def read(tx: Tx, person_id: UUID, notification_id: UUID) -> Notification:
    """Raise NotFound, also for somebody else's."""
    row = (await tx.execute(_READ, {"id": notification_id, "person": person_id})).first()
    if row is None:
        raise NotFound("there is no such notification here")
    return _notification(tx, row)


async def read_all(tx: Tx, person_id: UUID, until: datetime) -> None:
    """What came later than `until` was not on anybody's screen, and stays unread."""
    await tx.execute(_READ_ALL, {"person": person_id, "until": until})


async def preferences(tx: Tx, person_id: UUID) -> dict[str, dict[str, bool]]:
    """kind → way → wanted; what a person has not said is wanted."""
    told: dict[str, dict[str, bool]] = {str(kind): dict.fromkeys(WAYS, True) for kind in Kind}
    for row in await tx.execute(_PREFERENCES, {"person": person_id}):
        if row.kind in told:
            told[row.kind][row.way] = row.wanted
    return told


async def prefer(tx: Tx, person_id: UUID, wishes: Mapping[str, Mapping[str, bool]]) -> None:
    for kind in sorted(wishes):
        for way, wanted in wishes[kind].items():
            values = {"w": tx.workspace_id, "person": person_id, "kind": kind, "way": way, "wanted": wanted}
            await tx.execute(_PREFER, values)


def _notification(tx: Tx, row: Any) -> Notification:
    words = tx.vault.open_maybe("notification.body", row.body and bytes(row.body))
    return Notification(
        row.id,
        row.kind,
        row.conversation_id,
        row.subject_id,
        row.reason,
        words,
        row.times,
        row.at,
        row.read_at,
    )
