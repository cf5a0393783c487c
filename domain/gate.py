"""What may leave: one question, asked when a message is queued and again under its row's lock at sending.

Every sender asks it: the assistant, a person in the console, a reminder, a campaign, the API. The checks
stand in this order, because the first that speaks is what people are told:

1. opted_out       who opted out hears nothing more, whoever writes and whatever was approved; but the single
                   confirmation, within five minutes (47 CFR 64.1200(a)(12)), and HELP, which works for
                   everybody (CTIA Messaging Principles)
2. workspace_suspended, channel_suspended
                   the business or its sender may not send at all
3. not_approved    a draft is not a message, whoever wrote it
4. human_owns      a person has taken the conversation: the assistant is silent unless a person approved it
5. undisclosed     the first words of an AI say that it is one (EU AI Act art. 50; Utah, California, Maine)
6. loop            two machines talking
7. limit           the day's allowance
8. no_consent      marketing needs an opt-in; a notice needs one or a person who once wrote to us
9. NeedsTemplate   the provider's window is over (WhatsApp: 24 h after the last inbound)
10. quiet_hours    only what nobody asked for waits for the day; no hour in common: no_lawful_hour

A person's own words skip 4, 5 and 6, words a person approved skip 4 and 6, a confirmation skips 4, 5 and 7, a
one-time code skips 6: whoever asks for a second one may have lost the first.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain import quiet_hours
from domain.loops import Recent as Recent
from domain.purpose import Purpose as Purpose

CONFIRM_WITHIN: Final = timedelta(minutes=5)
"""47 CFR 64.1200(a)(12): a later confirmation is no longer presumed to be part of the request."""
LIVE: Final = timedelta(hours=24)
"""How long a reply answers what was written; after that it is a notice, and keeps the hours of one."""


class Consent(StrEnum):
    NONE = "none"  # never asked
    IN = "in"
    OUT = "out"


class RefuseReason(StrEnum):
    """Why never. Stable: stored, shown, and matched by callers."""

    OPTED_OUT = "opted_out"
    WORKSPACE_SUSPENDED = "workspace_suspended"
    CHANNEL_SUSPENDED = "channel_suspended"
    NOT_APPROVED = "not_approved"
    HUMAN_OWNS = "human_owns"
    UNDISCLOSED = "undisclosed"
    LOOP = "loop"
    LIMIT = "limit"
    NO_CONSENT = "no_consent"
    NO_LAWFUL_HOUR = "no_lawful_hour"
    SUPPRESSED = (
        "suppressed"  # said by the sender, not here: the provider reported the number as not to be used
    )


class DeferReason(StrEnum):
    """Why later. Only the first is said here; the sender says the others of its own channel."""

    QUIET_HOURS = "quiet_hours"
    RATE = "rate"
    CHANNEL = "channel"
    BREAKER = "breaker"


@dataclass(frozen=True, slots=True)
class Limits:
    replies_per_10_minutes: int = 12
    identical: int = 5
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What must be known of one message. What can do harm when forgotten has no default."""

    purpose: Purpose
    author_is_ai: bool
    consent: Consent
    opted_out_at: datetime | None
    """Of the opt-out that stands; None again after a START."""
    last_inbound_at: datetime | None
    """When the person last wrote or called."""
    disclosed: bool
    """An AI disclosure reached this person on this thread, or this text carries it."""
    zones: tuple[str, ...]
    """Where the telephone may ring (`zones.zones_for`, which always names some); empty: none rings (web chat,
    e-mail), so there are no quiet hours."""
    region: str | None
    workspace_active: bool
    channel_active: bool
    owner_is_human: bool
    """A person has taken the conversation."""
    needs_approval: bool
    approved: bool
    """A person approved these words."""
    window_expires_at: datetime | None
    """None: the channel has no window, or these words are an approved template."""
    recent: Recent = field(default_factory=Recent)
    sent_today: int = 0
    limits: Limits = field(default_factory=Limits)
    confirmation_sent: bool = False
    """The keyword that this CONFIRMATION answers has been answered, by us or by the provider."""

    @property
    def by_person(self) -> bool:
        """A person typed it. "A person's, by an AI" contradicts itself and gets the AI's treatment."""
        return self.purpose is Purpose.HUMAN and not self.author_is_ai

    @property
    def opted_out(self) -> bool:
        """Either sign is enough, so a half-written record fails towards silence."""
        return self.consent is Consent.OUT or self.opted_out_at is not None


@dataclass(frozen=True, slots=True)
class Allow:
    pass


@dataclass(frozen=True, slots=True)
class NeedsTemplate:
    """Only a template of the provider's may open a new window; the words are kept."""


@dataclass(frozen=True, slots=True)
class Defer:
    """Ask again then: consent may have changed meanwhile."""

    until: datetime
    reason: DeferReason


@dataclass(frozen=True, slots=True)
class Refuse:
    reason: RefuseReason


Verdict = Allow | NeedsTemplate | Defer | Refuse


def can_send(facts: Facts, now: datetime) -> Verdict:
    """The order is the module's docstring. Never raises; `now` and every time in `facts` are aware."""
    purpose = _purpose(facts, now)
    if reason := _refusal(facts, purpose, now):
        return Refuse(reason)
    if facts.window_expires_at is not None and now >= facts.window_expires_at:
        return NeedsTemplate()
    return _at_this_hour(facts, purpose, now)


def _purpose(facts: Facts, now: datetime) -> Purpose:
    """A reply to nobody, or to something written longer ago than `LIVE`, is a notice: a campaign that calls
    itself a reply gains nothing, and a draft approved at three in the morning waits for the day."""
    if facts.purpose is not Purpose.REPLY:
        return facts.purpose
    live = facts.last_inbound_at is not None and now - facts.last_inbound_at <= LIVE
    return Purpose.REPLY if live else Purpose.NOTICE


def _refusal(facts: Facts, purpose: Purpose, now: datetime) -> RefuseReason | None:
    """The first reason that applies."""
    if facts.opted_out and not _confirms(facts, now):
        return RefuseReason.OPTED_OUT
    if not facts.workspace_active:
        return RefuseReason.WORKSPACE_SUSPENDED
    if not facts.channel_active:
        return RefuseReason.CHANNEL_SUSPENDED
    if facts.needs_approval and not facts.approved:
        return RefuseReason.NOT_APPROVED
    return _machine_refusal(facts) or _permission_refusal(facts, purpose)


def _confirms(facts: Facts, now: datetime) -> bool:
    """The one message that may follow an opt-out: the answer to the keyword, once, while it is fresh."""
    if facts.purpose is not Purpose.CONFIRMATION or facts.confirmation_sent:
        return False
    asked = (facts.opted_out_at, facts.last_inbound_at)
    return any(at is not None and now - at <= CONFIRM_WITHIN for at in asked)


def _machine_refusal(facts: Facts) -> RefuseReason | None:
    """What silences a machine; a person's own words are never asked these."""
    if facts.by_person:
        return None
    confirmation = facts.purpose is Purpose.CONFIRMATION
    if facts.owner_is_human and facts.author_is_ai and not facts.approved and not confirmation:
        return RefuseReason.HUMAN_OWNS
    if facts.author_is_ai and not facts.disclosed and not confirmation:
        return RefuseReason.UNDISCLOSED
    heard_before = facts.approved or facts.purpose is Purpose.CODE
    return None if heard_before else _loop_refusal(facts, confirmation)


def _loop_refusal(facts: Facts, confirmation: bool) -> RefuseReason | None:
    """A confirmation is let through a lively conversation, but not said for ever: HELP can loop too."""
    if facts.recent.identical >= facts.limits.identical:
        return RefuseReason.LOOP
    if facts.recent.replies >= facts.limits.replies_per_10_minutes and not confirmation:
        return RefuseReason.LOOP
    return None


def _permission_refusal(facts: Facts, purpose: Purpose) -> RefuseReason | None:
    per_day = facts.limits.per_day
    if per_day is not None and facts.sent_today >= per_day and purpose is not Purpose.CONFIRMATION:
        return RefuseReason.LIMIT
    if facts.consent is Consent.IN:
        return None
    known = facts.last_inbound_at is not None
    if purpose is Purpose.MARKETING or (purpose is Purpose.NOTICE and not known):
        return RefuseReason.NO_CONSENT
    return None


def _at_this_hour(facts: Facts, purpose: Purpose, now: datetime) -> Verdict:
    until = quiet_hours.quiet_until(now, facts.zones, facts.region, purpose)
    if until is None:
        return Allow()
    if until == quiet_hours.NEVER:
        return Refuse(RefuseReason.NO_LAWFUL_HOUR)
    return Defer(until, DeferReason.QUIET_HOURS)
