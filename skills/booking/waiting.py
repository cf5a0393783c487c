"""Waiting for a time that is not free: who asks for it, what they wait for, and the answer when they are asked."""

import re
from collections.abc import Sequence
from datetime import UTC, time, timedelta
from typing import Any
from uuid import uuid5

from domain.booking import BookingSettings, LetGo, Opening, Service, Window
from domain.skill import Heard, Run, RunState, Said, Step, WorldEffect
from domain.waiting import DeclineOffer, JoinWaitlist, LeaveWaitlist
from skills.booking import wish as wishes
from skills.booking.wish import Wish

GOAL, LEAVES = "wait", "unwait"
_LIST = r"(?:wait(?:ing|list)?[\s-]*list|waitlist|cancell?ation list|lista de espera)"
_ASKS = re.compile(
    rf"\b{_LIST}\b"
    r"|\b(?:let me know|tell me|text me|write (?:to )?me|notify me|message me|call me)\b.{0,40}"
    r"\b(?:if|when|should|in case)\b.{0,40}\b(?:open|free|cancel|come|become|available|spot|slot)"
    r"|\b(?:i|we)(?:'ll| will| can|'d like to| want to| would like to)? wait for "
    r"(?:an? )?(?:one|something|opening|spot|slot|cancell?ation|that (?:time|day))\b"
    r"|\b(?:av[ií]s|d[ií]game|escr[ií]b)\w*\b.{0,40}\bsi\b.{0,40}\b(?:libr|libera|cancel|abre|queda|hueco|cita)",
    re.I,
)
_LEAVES = re.compile(
    rf"\b(?:off|out of|from|leave|quit|cancel|remove|drop|not on|salir|salgo|dej\w+|fuera)\b.{{0,20}}\b{_LIST}\b"
    r"|\bno longer (?:want|need) to wait\b|\bstop waiting for (?:a|an|the|that|one)\b"
    r"|\bno quiero (?:seguir )?esperar\b|\bya no espero\b",
    re.I,
)
"""Not "take me off the list": that is how people ask to hear no more at all, and it is obeyed as such."""


def asks(text: str) -> bool:
    """ "Put me on the waiting list", "let me know if something opens up"."""
    return bool(_ASKS.search(text)) and not leaves(text)


def leaves(text: str) -> bool:
    """ "Leave the waitlist"."""
    return bool(_LEAVES.search(text))


def goal(text: str) -> str | None:
    return LEAVES if leaves(text) else GOAL if asks(text) else None


def joined(
    run: Run, heard: Heard, settings: BookingSettings, service: Service, wish: Wish, free: Sequence[Opening]
) -> Step:
    """They wait for what they wished. What is free within that now, they know, and did not want."""
    window = wishes.window(wish, heard.now, settings.horizon)
    known = tuple(one.start for one in free)
    entry = JoinWaitlist(
        uuid5(run.id, GOAL), heard.contact_id, heard.conversation_id, service.name, window.start.astimezone(UTC),
        window.end.astimezone(UTC), window.earliest, window.latest, known,
    )  # fmt: skip
    said = Said("booking_waiting", _facts(service, window, wish, heard, settings))
    return Step(run.ended(RunState.DONE, waits_for=service.name), (said,), (LetGo(run.id), entry))


def left(run: Run, heard: Heard) -> Step:
    return Step(
        run.ended(RunState.DONE),
        (Said("booking_waits_no_more"),),
        (LetGo(run.id), LeaveWaitlist(heard.contact_id)),
    )


def declines(run: Run, heard: Heard) -> bool:
    """No to the time that they were asked about, and no other is named."""
    waited = "waiting" in run.memory and bool(run.read_back)
    return waited and heard.affirms is False and not heard.begins and not wishes.read(heard)


def declined(run: Run) -> Step:
    return Step(run.ended(RunState.CANCELLED), (Said("booking_waits_on"),), (DeclineOffer(run.id),))


def released(run: Run) -> tuple[WorldEffect, ...]:
    """Whoever calls off the question goes on waiting; the time is the next one's."""
    return (DeclineOffer(run.id),) if "waiting" in run.memory else ()


def _facts(
    service: Service, window: Window, wish: Wish, heard: Heard, settings: BookingSettings
) -> dict[str, Any]:
    first = window.start.astimezone(heard.now.tzinfo)
    last = (window.end - timedelta(seconds=1)).astimezone(heard.now.tzinfo)
    days = wish.days and ("day" if first.date() == last.date() else "first")
    return {
        "service": service.called(heard.language),
        "day": first if days == "day" else None,
        "first": first if days == "first" else None,
        "last": last if days == "first" else None,
        "at": wish.at,
        "earliest": window.earliest if window.earliest > time.min and not wish.at else None,
        "latest": window.latest if window.latest < time(23, 59) and not wish.at else None,
        "minutes": int(settings.offer.total_seconds() // 60),
    }
