"""Messages that want to leave, one delivery a part, and what became of them.

    queued → sending → accepted → sent → delivered → read
       │        └→ unknown: no answer came; found at the provider, or reported by it, or surely absent
       └→ cancelled: the gate refused, a person took over, a newer message came        any → failed

Within a thread they leave in the order of (seq, part): what is not settled holds back what comes after.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import disclosure, gate, zones
from domain.errors import Disposition, SendFailed
from domain.gate import Allow, Consent, Defer, Facts, Limits, Purpose, Recent, Refuse
from domain.messages import (
    WINDOWS,
    Address,
    Button,
    DeliveryState,
    Keyword,
    Outbound,
    Scheme,
    TemplateCall,
)
from domain.workspace import Profile
from store import audit, channels, contacts, notifications, workspaces
from store.channels import ChannelRow
from store.db import Dispatch, Tx, new_id
from store.notifications import Kind

Split = Callable[[str, str], list[str]]
"""(channel kind, text) → the parts that such a channel can carry."""

MAX_ATTEMPTS = 6
RETRY_BASE, RETRY_CAP = timedelta(seconds=2), timedelta(minutes=10)
SUSPENDED_RETRY = timedelta(minutes=1)
WINDOW_RECHECK = timedelta(hours=1)
"""What waits for a customer to write again is woken by that; this is for the case that nobody woke it."""
NEEDS_TEMPLATE = "needs_template"
"""Why a delivery waits whose provider's window is over."""
RECONCILE_AFTER, RECONCILE_FOR = timedelta(seconds=3), timedelta(minutes=2)
CLOCKS_APART = timedelta(minutes=5)
"""By how much the provider's clock may be behind ours without a message that left being taken for lost."""

_SEQ = text(
    "update conversation set last_seq = last_seq + 1, updated_at = frontdesk_now() where id = :id returning last_seq"
)
_THREAD = text(
    "select t.channel_id, t.address_id, c.kind, p.language from thread t"
    " join channel c on c.workspace_id = t.workspace_id and c.id = t.channel_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " join contact p on p.workspace_id = a.workspace_id and p.id = coalesce(a.root_id, a.contact_id) where t.id = :id"
)
# By its conversation, of which the messages are indexed: by its thread alone, all that a business ever said is read.
_DISCLOSED = text(
    "select exists (select from thread t"
    " join message m on m.workspace_id = t.workspace_id and m.conversation_id = t.conversation_id and m.thread_id = t.id"
    " join delivery d on d.workspace_id = m.workspace_id and d.message_id = m.id"
    " where t.id = :thread and m.discloses and d.state not in ('failed', 'cancelled'))"
)
_MESSAGE = text(
    "insert into message (workspace_id, id, conversation_id, thread_id, seq, direction, author, purpose, body,"
    " discloses, person_id, turn_id, draft_id, details) values (:w, :id, :conversation, :thread, :seq, 'out',"
    " :author, :purpose, :body, :discloses, :person, :turn, :draft, :details)"
)
_DELIVERY = text(
    "insert into delivery (workspace_id, id, message_id, conversation_id, thread_id, channel_id, address_id, seq,"
    " part, body, template_version_id) values (:w, :id, :message, :conversation, :thread, :channel, :address, :seq,"
    " :part, :body, :template)"
)
_CANCEL = text(
    "update delivery d set state = 'cancelled', reason = :reason, lease_until = null, updated_at = frontdesk_now()"
    " from message m where m.workspace_id = d.workspace_id and m.id = d.message_id and d.state = 'queued'"
    " and d.conversation_id = :conversation and m.author = any(:authors) returning d.id"
)
# What waits for an address that is somebody else's now. The answer to a keyword is that address's own affair.
_CANCEL_FOREIGN = text(
    "update delivery d set state = 'cancelled', reason = :reason, lease_until = null, updated_at = frontdesk_now()"
    " from message m, contact_address a, conversation c, contact p where m.workspace_id = d.workspace_id"
    " and m.id = d.message_id and a.workspace_id = d.workspace_id and a.id = d.address_id"
    " and c.workspace_id = d.workspace_id and c.id = d.conversation_id and p.workspace_id = c.workspace_id"
    " and p.id = c.contact_id and d.state = 'queued' and d.conversation_id = :conversation"
    " and m.purpose <> 'confirmation'"
    " and coalesce(a.root_id, a.contact_id) <> coalesce(p.root_id, p.id) returning d.id"
)
_CANCEL_TO = text(
    "update delivery d set state = 'cancelled', reason = :reason, lease_until = null, updated_at = frontdesk_now()"
    " where d.conversation_id = :conversation and d.state = 'queued' and d.address_id = any(:addresses) returning d.id"
)
# A template goes before the words that wait for it.
_FIRST_IN_THREAD = (
    "(d.template_version_id is not null or not exists (select from delivery e where e.workspace_id = d.workspace_id"
    " and e.thread_id = d.thread_id and e.state in ('queued', 'sending', 'unknown')"
    " and (e.seq, e.part) < (d.seq, d.part)))"
)
# What is stuck in `sending` past its lease, or `unknown`, is claimed as well: to be reconciled, not to be sent.
# Fair as in store/turns.py: whose workspace has the fewest on their way or before it comes first.
_FREE = "(d.lease_until is null or d.lease_until < :now)"
_CLAIM = text(
    f"with due as (select workspace_id, id, next_attempt_at, {_FREE} as free, row_number() over"  # noqa: S608
    f" (partition by workspace_id order by {_FREE}, next_attempt_at) as place from delivery d"
    " where d.state in ('queued', 'sending', 'unknown') and d.next_attempt_at <= :now"
    f" and (cast(:only as uuid) is null or d.workspace_id = :only) and {_FIRST_IN_THREAD}),"
    " fair as (select * from due where free order by place, next_attempt_at limit :limit * 4),"
    " taken as materialized (select d.workspace_id, d.id from fair"
    " join delivery d on d.workspace_id = fair.workspace_id and d.id = fair.id"
    f" where d.state in ('queued', 'sending', 'unknown') and d.next_attempt_at <= :now and {_FREE}"
    " order by fair.place, fair.next_attempt_at limit :limit for update of d skip locked)"
    " update delivery set lease_until = frontdesk_now() + :lease"
    " where (workspace_id, id) in (select workspace_id, id from taken) returning workspace_id, id, state"
)
_NEXT_DUE = text(
    "select min(greatest(next_attempt_at, coalesce(lease_until, next_attempt_at))) from delivery d"  # noqa: S608
    " where d.state in ('queued', 'sending', 'unknown')"
    f" and (cast(:only as uuid) is null or d.workspace_id = :only) and {_FIRST_IN_THREAD}"
)
_ADDRESS_OF = text("select address_id from delivery where id = :id")
_CONVERSATION_OF = text("select conversation_id from delivery where id = :id")
_CHANNEL_OF = text("select channel_id from delivery where id = :id")
_HOLD_CONVERSATION_OF = text(
    "select c.id from conversation c join delivery d on d.workspace_id = c.workspace_id and d.conversation_id = c.id"
    " where d.id = :id for no key update of c"
)
_HOLD_ADDRESS = text(
    "select value, scheme, opted_out_at, opted_in_at, suppressed, last_inbound_at,"
    " coalesce(root_id, contact_id) as root from contact_address"
    " where id = :id for share"
)
_HOLD = text(
    "select d.*, m.author, m.purpose, m.discloses, m.draft_id, m.turn_id, m.trace, m.body as words, m.details,"
    " c.owner, coalesce(p.root_id, p.id) as root, t.window_expires_at, w.state as workspace_state,"
    " frontdesk_now() as now from delivery d"
    " join message m on m.workspace_id = d.workspace_id and m.id = d.message_id"
    " join conversation c on c.workspace_id = d.workspace_id and c.id = d.conversation_id"
    " join contact p on p.workspace_id = c.workspace_id and p.id = c.contact_id"
    " join thread t on t.workspace_id = d.workspace_id and t.id = d.thread_id"
    " join workspace w on w.id = d.workspace_id where d.id = :id for update of d"
)
_RECENT = text(
    "select m.body from message m where m.conversation_id = :conversation and m.author <> 'human'"
    " and m.direction = 'out' and m.id <> :message"
    " and m.created_at > frontdesk_now() - interval '10 minutes' and exists (select from delivery d"
    " where d.workspace_id = m.workspace_id and d.message_id = m.id and d.state not in ('queued', 'cancelled'))"
    " order by m.seq desc limit 200"
)
# Messages, not parts: one that has begun to leave leaves whole.
_SENT_TODAY = text(
    "select count(distinct d.message_id) from delivery_attempt a"
    " join delivery d on d.workspace_id = a.workspace_id and d.id = a.delivery_id"
    " where a.started_at >= date_trunc('day', frontdesk_now(), :zone) and d.message_id <> :message"
)
_SENDING = text(
    "update delivery set state = 'sending', attempts = attempts + 1, lease_until = frontdesk_now() + :lease,"
    " updated_at = frontdesk_now() where id = :id returning attempts"
)
_ATTEMPT = text("insert into delivery_attempt (workspace_id, delivery_id, n) values (:w, :id, :n)")
_ATTEMPT_ENDED = text(
    "update delivery_attempt set finished_at = frontdesk_now(), outcome = :outcome, provider_id = :provider_id,"
    " http_status = :http_status, error_code = :error_code, detail = :detail where delivery_id = :id and n = :n"
    " and coalesce(outcome, 'unknown') = 'unknown'"  # a report that came first stands
)
_POSTPONE = text(
    "update delivery set next_attempt_at = :until, reason = :reason, lease_until = null where id = :id"
)
_SETTLE = text(
    "update delivery set state = :state, reason = :reason, error_code = :error_code, disposition = :disposition,"
    " lease_until = null, updated_at = frontdesk_now() where id = :id"
)
_ACCEPTED = text(
    "update delivery set state = 'accepted', provider_id = :provider_id, reason = null, error_code = null,"
    " disposition = null, lease_until = null, updated_at = frontdesk_now()"
    " where id = :id and attempts = :attempt and state in ('sending', 'unknown')"
)
_RETRY = text(
    "update delivery set state = 'queued', provider_id = null, reason = :reason, error_code = :error_code,"
    " disposition = 'retry', lease_until = null, updated_at = frontdesk_now(), next_attempt_at = frontdesk_now()"
    " + greatest(:least, least(:cap, :base * power(2, attempts)) * random()) where id = :id and state <> 'cancelled'"
)
_UNKNOWN = text(
    "update delivery set state = 'unknown', reason = 'no_answer', lease_until = null, updated_at = frontdesk_now(),"
    " next_attempt_at = frontdesk_now() + :after where id = :id and state in ('sending', 'unknown')"
)
# The provider knows better than we did when the window ended.
_WINDOW_OVER = text(
    "with d as (update delivery set state = 'queued', provider_id = null, reason = 'needs_template',"
    " error_code = :error_code, disposition = 'needs_template', lease_until = null, updated_at = frontdesk_now(),"
    " next_attempt_at = frontdesk_now() where id = :id and state <> 'cancelled' returning workspace_id, thread_id)"
    " update thread t set window_expires_at = least(t.window_expires_at, frontdesk_now()) from d"
    " where t.workspace_id = d.workspace_id and t.id = d.thread_id"
)
# A reply of the assistant that has not begun to leave is not woken: the turn for the new message takes it back.
_WINDOW_OPENED = text(
    "update delivery d set next_attempt_at = frontdesk_now(), reason = null, updated_at = frontdesk_now() from message m"
    " where m.workspace_id = d.workspace_id and m.id = d.message_id and d.thread_id = :thread and d.state = 'queued'"
    " and d.reason = 'needs_template' and (m.author <> 'ai' or m.draft_id is not null or d.attempts > 0) returning d.id"
)
_IS_TEMPLATE = text("select template_version_id is not null from delivery where id = :id")
_LAST_PART = text("select max(part) from delivery where message_id = :message")
_TEMPLATE = text(
    "select provider_name, locale, provider_id from template_version where id = :id and status = 'approved'"
)
_STATE = text("select state, attempts, provider_id from delivery where id = :id for update")
_LAST_ATTEMPT = text(
    "select d.*, a.started_at, v.value, v.scheme from delivery d join delivery_attempt a on a.workspace_id = d.workspace_id"
    " and a.delivery_id = d.id and a.n = d.attempts join contact_address v on v.workspace_id = d.workspace_id"
    " and v.id = d.address_id where d.id = :id and d.state in ('sending', 'unknown') for update of d"
)
_TAKEN_IDS = text(
    "select provider_id from delivery where channel_id = :channel and provider_id = any(:ids)"
    " union select provider_id from delivery_attempt where provider_id = any(:ids)"
)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Something to say, by whom, and why."""

    conversation_id: UUID
    thread_id: UUID
    author: str
    purpose: str
    text: str
    person_id: UUID | None = None
    turn_id: UUID | None = None
    draft_id: UUID | None = None
    buttons: tuple[Button, ...] = ()
    """Shown under the last part."""
    template_version_id: UUID | None = None
    """The text is that of an approved template, and `variables` what stands in it."""
    variables: tuple[str, ...] = ()

    @property
    def details(self) -> dict[str, Any]:
        """What is kept beside the words."""
        kept = {"buttons": [[one.id, one.title] for one in self.buttons], "variables": list(self.variables)}
        return {name: value for name, value in kept.items() if value}


@dataclass(frozen=True, slots=True)
class Claimed:
    workspace_id: UUID
    id: UUID
    state: DeliveryState


@dataclass(frozen=True, slots=True)
class Waits:
    """Not now, through no fault of the message: it keeps its place."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Never: it is cancelled, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The gate said yes under the row lock; the row says `sending`. Commit, then send."""

    delivery_id: UUID
    attempt: int
    channel: ChannelRow
    outbound: Outbound
    started_at: datetime
    due_at: datetime
    """Since when it could have been sent."""
    conversation_id: UUID
    turn_id: UUID | None
    trace: str
    """Of the request that it answers."""


async def put(tx: Tx, new: NewMessage, split: Split | None = None) -> UUID:
    """Add the message, with the conversation's next seq, and its deliveries; return its id. A machine's first
    answer on a thread says that it is one: the line is added when it is missing."""
    thread = (await tx.execute(_THREAD, {"id": new.thread_id})).one()
    new, discloses = await _disclosed(tx, new, thread.language)
    seq = (await tx.execute(_SEQ, {"id": new.conversation_id})).scalar_one()
    common = {"w": tx.workspace_id, "conversation": new.conversation_id, "thread": new.thread_id, "seq": seq}
    message_id = new_id()
    await tx.execute(
        _MESSAGE,
        common
        | {
            "id": message_id, "author": new.author, "purpose": new.purpose, "discloses": discloses,
            "body": tx.vault.seal("message.body", new.text), "person": new.person_id, "turn": new.turn_id,
            "draft": new.draft_id, "details": _sealed(tx, new.details),
        },
    )  # fmt: skip
    common |= {"message": message_id, "channel": thread.channel_id, "address": thread.address_id}
    common |= {"template": new.template_version_id}
    for part, words in enumerate(split(thread.kind, new.text) if split else [new.text]):
        body = tx.vault.seal("delivery.body", words)
        await tx.execute(_DELIVERY, common | {"id": new_id(), "part": part, "body": body})
    return message_id


def _sealed(tx: Tx, details: dict[str, Any]) -> bytes | None:
    return tx.vault.seal("message.details", json.dumps(details)) if details else None


async def _disclosed(tx: Tx, new: NewMessage, language: str | None) -> tuple[NewMessage, bool]:
    if new.author == "human" or new.purpose != "reply":
        return new, False
    profile = (await workspaces.get(tx)).profile
    if not await is_disclosed(tx, new.thread_id):
        words = disclosure.disclosed(new.text, profile, language or profile.assistant.languages[0])
        new = replace(new, text=words)
    return new, disclosure.discloses(new.text, profile)


async def is_disclosed(tx: Tx, thread_id: UUID) -> bool:
    """Whether an AI message with the disclosure has left on this thread, or is about to."""
    return bool((await tx.execute(_DISCLOSED, {"thread": thread_id})).scalar_one())


async def cancel(
    tx: Tx, conversation_id: UUID, reason: str, authors: tuple[str, ...] = ("ai", "human", "system")
) -> int:
    """Take back what these authors have not sent yet; return how many parts."""
    values = {"conversation": conversation_id, "reason": reason, "authors": list(authors)}
    return len((await tx.execute(_CANCEL, values)).all())


async def cancel_to(tx: Tx, conversation_id: UUID, addresses: Sequence[UUID], reason: str) -> int:
    """Take back what has not been sent yet to these addresses; return how many parts."""
    values = {"conversation": conversation_id, "addresses": list(addresses), "reason": reason}
    return len((await tx.execute(_CANCEL_TO, values)).all())


async def cancel_foreign(tx: Tx, conversation_id: UUID, reason: str) -> int:
    """Take back what waits for addresses that do not belong to the conversation's contact (any more)."""
    values = {"conversation": conversation_id, "reason": reason}
    return len((await tx.execute(_CANCEL_FOREIGN, values)).all())


async def claim(dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None) -> list[Claimed]:
    """Deliveries that are due, and first in their thread, ours until the lease ends."""
    values = {"limit": limit, "lease": lease, "only": only, "now": dispatch.now}
    rows = await dispatch.db.execute(_CLAIM, values)
    return [Claimed(row.workspace_id, row.id, DeliveryState(row.state)) for row in rows]


async def conversation_of(tx: Tx, delivery_id: UUID) -> UUID:
    found: UUID = (await tx.execute(_CONVERSATION_OF, {"id": delivery_id})).scalar_one()
    return found


async def next_due(dispatch: Dispatch, only: UUID | None = None) -> datetime | None:
    due: datetime | None = await dispatch.db.scalar(_NEXT_DUE, {"only": only})
    return due


async def prepare(
    tx: Tx,
    delivery_id: UUID,
    profile: Profile,
    status_url: Callable[[UUID, UUID, int], str],
    lease: timedelta,
) -> Ready | Waits | Refused | None:
    """Ask the gate under the row locks and, if it allows, mark the delivery as being sent. Returns what stands
    in the way otherwise; None when the delivery is not to be sent any more."""
    address_id = (await tx.execute(_ADDRESS_OF, {"id": delivery_id})).scalar_one_or_none()
    if address_id is None:
        return None
    address = (await tx.execute(_HOLD_ADDRESS, {"id": address_id})).one()
    await tx.execute(_HOLD_CONVERSATION_OF, {"id": delivery_id})
    row = (await tx.execute(_HOLD, {"id": delivery_id})).one()
    if row.state != "queued":
        return None
    channel = await channels.get(tx, row.channel_id)
    assert channel is not None
    verdict = await _may_leave(tx, row, address, channel, profile)
    if isinstance(verdict, Waits):
        await tx.execute(_POSTPONE, {"id": row.id, "until": verdict.until, "reason": verdict.reason})
        return verdict
    if isinstance(verdict, Refused):
        await settle(tx, row.id, DeliveryState.CANCELLED, verdict.reason)
        return verdict
    attempt = (await tx.execute(_SENDING, {"id": row.id, "lease": lease})).scalar_one()
    await tx.execute(_ATTEMPT, {"w": tx.workspace_id, "id": row.id, "n": attempt})
    outbound = _outbound(tx, row, address, channel.id, status_url)
    outbound = replace(outbound, template=await _template(tx, row), buttons=await _buttons(tx, row))
    return Ready(
        row.id, attempt, channel, outbound, row.now, row.next_attempt_at, row.conversation_id, row.turn_id,
        row.trace or "",
    )  # fmt: skip


async def _buttons(tx: Tx, row: Any) -> tuple[Button, ...]:
    """Under the last part only."""
    found = _details(tx, row).get("buttons", [])
    if not found or (await tx.execute(_LAST_PART, {"message": row.message_id})).scalar_one() != row.part:
        return ()
    return tuple(Button(key, title) for key, title in found)


async def _template(tx: Tx, row: Any) -> TemplateCall | None:
    """The template that this delivery is, if it is approved still."""
    if row.template_version_id is None:
        return None
    found = (await tx.execute(_TEMPLATE, {"id": row.template_version_id})).first()
    if found is None:
        return None
    variables = tuple(_details(tx, row).get("variables", ()))
    return TemplateCall(found.provider_name, found.locale, found.provider_id or "", variables)


def _details(tx: Tx, row: Any) -> dict[str, Any]:
    sealed = tx.vault.open_maybe("message.details", row.details and bytes(row.details))
    opened: dict[str, Any] = json.loads(sealed or "{}")
    return opened


async def _may_leave(
    tx: Tx, row: Any, address: Any, channel: ChannelRow, profile: Profile
) -> Waits | Refused | None:
    """None: it may. A suspended channel, one whose provider is failing, and one that has just sent keep their
    messages; they wait."""
    if not channel.active:
        return Waits(row.now + SUSPENDED_RETRY, gate.DeferReason.CHANNEL)
    if channel.open_until is not None and channel.open_until > row.now:
        return Waits(channel.open_until, gate.DeferReason.BREAKER)
    if address.suppressed:
        return Refused("suppressed")
    if address.root != row.root and row.purpose != Purpose.CONFIRMATION:
        return Refused("contact_unmerged")  # said to somebody whose address this is no longer
    verdict = gate.can_send(await _facts(tx, row, address, profile), row.now)
    if isinstance(verdict, Refuse):
        return Refused(verdict.reason)
    if isinstance(verdict, Defer):
        return Waits(verdict.until, verdict.reason)
    if not isinstance(verdict, Allow):
        return Waits(row.now + WINDOW_RECHECK, NEEDS_TEMPLATE)
    if row.template_version_id is not None and await _template(tx, row) is None:
        return Refused("template_not_approved")
    slot = await channels.take_slot(tx, channel.id, channel.seconds("per_second", 1.0))
    return Waits(slot, gate.DeferReason.RATE) if slot else None


async def _facts(tx: Tx, row: Any, address: Any, profile: Profile) -> Facts:
    number = tx.vault.open("contact_address.value", bytes(address.value))
    limit = profile.policy.messages_per_day
    return Facts(
        purpose=Purpose(row.purpose),
        author_is_ai=row.author == "ai",
        consent=_consent(address),
        opted_out_at=address.opted_out_at,
        last_inbound_at=address.last_inbound_at,
        disclosed=row.discloses or await is_disclosed(tx, row.thread_id),
        zones=_zones(address.scheme, number, profile),
        region=zones.region_for(number) if number.startswith("+") else None,
        workspace_active=row.workspace_state == "active",
        channel_active=True,
        owner_is_human=row.owner == "human",
        approved=row.draft_id is not None,
        needs_approval=False,
        recent=await _recent(tx, row),
        sent_today=await _sent_today(tx, row, profile) if limit else 0,
        limits=Limits(replies_per_10_minutes=profile.policy.replies_per_10_minutes, per_day=limit),
        window_expires_at=_window(row, address.scheme),
    )


def _zones(scheme: str, number: str, profile: Profile) -> tuple[str, ...]:
    """Where a telephone rings. Who shows no number on WhatsApp is taken to live where the business is."""
    if scheme == Scheme.TEL or (scheme == Scheme.WHATSAPP and number.startswith("+")):
        return zones.zones_for(number)
    return (profile.workspace.timezone,) if scheme == Scheme.WHATSAPP else ()


def _window(row: Any, scheme: str) -> datetime | None:
    """None: no window binds this. Somebody who has never written has never opened one."""
    if row.template_version_id is not None or scheme not in WINDOWS:
        return None
    return row.window_expires_at or datetime.min.replace(tzinfo=UTC)


async def _sent_today(tx: Tx, row: Any, profile: Profile) -> int:
    """How many other messages have left, or tried to, since midnight at the business."""
    values = {"zone": profile.workspace.timezone, "message": row.message_id}
    return int((await tx.execute(_SENT_TODAY, values)).scalar_one())


def _consent(address: Any) -> Consent:
    if address.opted_out_at is not None:
        return Consent.OUT
    return Consent.IN if address.opted_in_at is not None else Consent.NONE


async def _recent(tx: Tx, row: Any) -> Recent:
    """What we, machines, have sent here in the last ten minutes."""
    if row.author == "human":
        return Recent()
    values = {"conversation": row.conversation_id, "message": row.message_id}
    said = [tx.vault.open("message.body", bytes(line.body)) for line in await tx.execute(_RECENT, values)]
    mine = tx.vault.open("message.body", bytes(row.words))
    return Recent(replies=len(said), identical=said.count(mine))


def _outbound(
    tx: Tx, row: Any, address: Any, channel_id: UUID, status_url: Callable[[UUID, UUID, int], str]
) -> Outbound:
    to = Address(Scheme(address.scheme), tx.vault.open("contact_address.value", bytes(address.value)))
    words = tx.vault.open("delivery.body", bytes(row.body))
    return Outbound(row.message_id, row.part, to, words, status_url(channel_id, row.message_id, row.part))


# What ends an attempt locks the delivery before the attempt, as a provider's report does.
async def accepted(tx: Tx, delivery_id: UUID, attempt: int, provider_id: str) -> None:
    """The provider has it. Whatever a report that came first has made of this attempt stands."""
    await tx.execute(_ACCEPTED, {"id": delivery_id, "attempt": attempt, "provider_id": provider_id})
    await _attempt_ended(tx, delivery_id, attempt, "accepted", provider_id=provider_id)
    channel_id = (await tx.execute(_CHANNEL_OF, {"id": delivery_id})).scalar_one()
    await channels.succeeded(tx, channel_id)


async def failed(tx: Tx, delivery_id: UUID, attempt: int, error: SendFailed) -> Disposition:
    """The provider refused it, or surely never had it. Return what was made of that."""
    await hold_address(tx, delivery_id, error.disposition)
    row = (await tx.execute(_STATE, {"id": delivery_id})).one()
    await _attempt_ended(tx, delivery_id, attempt, "failed", error=error)
    if row.state not in ("sending", "unknown") or row.attempts != attempt:  # a report came first: that stands
        return Disposition.GIVE_UP
    return await refused(tx, delivery_id, row.attempts, error)


async def refused(tx: Tx, delivery_id: UUID, attempts: int, error: SendFailed) -> Disposition:
    """Again later, when the customer has written again, or never. A template cannot wait for a template."""
    disposition = error.disposition
    if disposition is Disposition.NEEDS_TEMPLATE and await _is_template(tx, delivery_id):
        disposition = Disposition.GIVE_UP
    if disposition is Disposition.NEEDS_TEMPLATE:
        await tx.execute(_WINDOW_OVER, {"id": delivery_id, "error_code": error.provider_code})
    elif disposition in (Disposition.RETRY, Disposition.ALARM) and attempts < MAX_ATTEMPTS:
        await again(tx, delivery_id, error)
    else:
        await settle(
            tx, delivery_id, DeliveryState.FAILED, str(disposition), error.provider_code, disposition
        )
    if disposition is Disposition.SUPPRESS:
        address_id = (await tx.execute(_ADDRESS_OF, {"id": delivery_id})).scalar_one()
        await _suppress(tx, address_id, error)
    return disposition


async def hold_address(tx: Tx, delivery_id: UUID, disposition: Disposition | None) -> None:
    """Before the delivery's own lock, when the address is going to change with it."""
    if disposition is Disposition.SUPPRESS:
        address_id = (await tx.execute(_ADDRESS_OF, {"id": delivery_id})).scalar_one()
        await contacts.hold_number(tx, await contacts.address(tx, address_id))


async def alarm(tx: Tx, channel_id: UUID, error: SendFailed) -> bool:
    """Our own set-up is wrong: hammering would not mend it. What is queued waits for a person. False when the
    channel was suspended already."""
    reason = f"provider_code_{error.provider_code or error.http_status}"
    suspended = await channels.suspend(tx, channel_id, reason)
    if suspended:
        await notifications.add(
            tx, Kind.CHANNEL_SUSPENDED, subject_id=channel_id, reason=reason, roles=notifications.RUNNING
        )
        await audit.add(tx, "system", "channel_suspended", "channel", channel_id, reason=reason)
    return suspended


async def _is_template(tx: Tx, delivery_id: UUID) -> bool:
    return bool((await tx.execute(_IS_TEMPLATE, {"id": delivery_id})).scalar_one())


async def window_opened(tx: Tx, thread_id: UUID) -> bool:
    """The customer has written: what waited for that may leave. Return whether something does."""
    return (await tx.execute(_WINDOW_OPENED, {"thread": thread_id})).first() is not None


async def _suppress(tx: Tx, address_id: UUID, error: SendFailed) -> None:
    if error.opted_out:
        await contacts.record_consent(
            tx, address_id, Keyword.STOP, "provider", f"code {error.provider_code}", None
        )
    else:
        await contacts.suppress(tx, address_id, error.provider_code or "provider")


async def again(tx: Tx, delivery_id: UUID, error: SendFailed) -> None:
    """Back to the queue, with full jitter, not before the provider allows."""
    least = timedelta(seconds=error.retry_after_s or 0)
    values = {"id": delivery_id, "reason": error.code, "error_code": error.provider_code, "least": least}
    await tx.execute(_RETRY, values | {"base": RETRY_BASE, "cap": RETRY_CAP})


async def unknown(tx: Tx, delivery_id: UUID, attempt: int) -> None:
    """No answer came. Ask the provider later; never send it again blindly."""
    await tx.execute(_UNKNOWN, {"id": delivery_id, "after": RECONCILE_AFTER})
    await _attempt_ended(tx, delivery_id, attempt, "unknown")


@dataclass(frozen=True, slots=True)
class Lost:
    """A delivery of which nobody knows whether it left."""

    delivery_id: UUID
    attempt: int
    channel: ChannelRow
    outbound: Outbound
    since: datetime
    """It was not sent before this, by the provider's clock."""
    give_up: bool
    """It has been absent from the provider's list for so long that it surely never left."""


async def lost(tx: Tx, delivery_id: UUID, status_url: Callable[[UUID, UUID, int], str]) -> Lost | None:
    """What to look for at the provider; None when it is settled by now."""
    row = (await tx.execute(_LAST_ATTEMPT, {"id": delivery_id})).first()
    if row is None:
        return None
    await tx.execute(_UNKNOWN, {"id": delivery_id, "after": RECONCILE_AFTER * 3})
    channel = await channels.get(tx, row.channel_id)
    assert channel is not None
    outbound = _outbound(tx, row, row, channel.id, status_url)
    give_up = tx.now - row.started_at > RECONCILE_FOR
    return Lost(row.id, row.attempts, channel, outbound, row.started_at - CLOCKS_APART, give_up)


async def known_ids(tx: Tx, channel_id: UUID, provider_ids: list[str]) -> set[str]:
    """Those of the provider's ids that already belong to one of our deliveries."""
    rows = await tx.execute(_TAKEN_IDS, {"channel": channel_id, "ids": provider_ids})
    return {row.provider_id for row in rows}


async def settle(
    tx: Tx,
    delivery_id: UUID,
    state: DeliveryState,
    reason: str,
    error_code: str | None = None,
    disposition: Disposition | None = None,
) -> None:
    values = {"id": delivery_id, "state": state.value, "reason": reason, "error_code": error_code}
    await tx.execute(_SETTLE, values | {"disposition": disposition and disposition.value})
    if state is DeliveryState.FAILED:
        talk = await conversation_of(tx, delivery_id)
        await notifications.add(
            tx,
            Kind.DELIVERY_FAILED,
            conversation_id=talk,
            subject_id=delivery_id,
            reason=error_code or reason,
        )


async def _attempt_ended(
    tx: Tx, delivery_id: UUID, attempt: int, outcome: str, *, provider_id: str | None = None,
    error: SendFailed | None = None,
) -> None:  # fmt: skip
    await tx.execute(
        _STATE, {"id": delivery_id}
    )  # the delivery before its attempts, as whoever reports on it does
    await tx.execute(
        _ATTEMPT_ENDED,
        {
            "id": delivery_id, "n": attempt, "outcome": outcome, "provider_id": provider_id,
            "http_status": error and error.http_status, "error_code": error and error.provider_code,
            "detail": error and error.code,
        },
    )  # fmt: skip
