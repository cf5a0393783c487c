"""Whether a message may leave now: the gate's facts, read under the locks of address and conversation."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from domain import gate, zones
from domain.gate import Allow, Consent, Defer, Facts, Limits, Purpose, Recent, Refuse
from domain.messages import WINDOWS, Scheme, TemplateCall
from domain.workspace import Profile
from store import channels
from store.channels import ChannelRow
from store.db import Tx
from store.outbox import is_disclosed

SUSPENDED_RETRY = timedelta(minutes=1)
WINDOW_RECHECK = timedelta(hours=1)
"""What waits for a customer to write again is woken by that; this is for the case that nobody woke it."""
NEEDS_TEMPLATE = "needs_template"
"""Why a delivery waits whose provider's window is over."""

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
_TEMPLATE = text(
    "select provider_name, locale, provider_id from template_version where id = :id and status = 'approved'"
)


@dataclass(frozen=True, slots=True)
class Waits:
    """Not now, through no fault of the message: it keeps its place."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Never: it is cancelled, and why."""

    reason: str


async def may_leave(
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
    if row.template_version_id is not None and await template(tx, row) is None:
        return Refused("template_not_approved")
    slot = await channels.take_slot(tx, channel.id, channel.seconds("per_second", 1.0))
    return Waits(slot, gate.DeferReason.RATE) if slot else None


async def template(tx: Tx, row: Any) -> TemplateCall | None:
    """The template that this delivery is, if it is approved still."""
    if row.template_version_id is None:
        return None
    found = (await tx.execute(_TEMPLATE, {"id": row.template_version_id})).first()
    if found is None:
        return None
    variables = tuple(details(tx, row).get("variables", ()))
    return TemplateCall(found.provider_name, found.locale, found.provider_id or "", variables)


def details(tx: Tx, row: Any) -> dict[str, Any]:
    sealed = tx.vault.open_maybe("message.details", row.details and bytes(row.details))
    opened: dict[str, Any] = json.loads(sealed or "{}")
    return opened


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
