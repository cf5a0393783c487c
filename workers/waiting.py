"""A time has become free: whoever waits for it longest is asked, by message, through policy and gate; the time is kept
for them a while, and then it is the next one's."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from dialogue import compose, words
from domain import quiet_hours
from domain.booking import BookingSettings, Busy, Opening, as_json
from domain.purpose import Purpose
from domain.skill import Overtaken, Run, SaveRun
from domain.waiting import MOST_ASKS, OfferTime, Waiter, opening_for
from domain.workspace import Profile
from runtime.diary import LONGEST
from runtime.runtime import Runtime
from runtime.wake import DELIVERIES
from store import appointments, notifications, waiting, workspaces
from store.db import Tx
from store.turns import Started
from workers import talks
from workers.base import Worker

logger = logging.getLogger(__name__)


class WaitlistWorker(Worker[UUID]):
    topic = "waitlist"

    async def claim(self, limit: int) -> Sequence[UUID]:
        async with self._rt.db.dispatch() as dispatch:
            return await waiting.due(dispatch, limit, self._only)

    async def work(self, workspace_id: UUID) -> None:
        """One is asked in each transaction, so that what is kept for one is seen when the next is looked at."""
        for _ in range(waiting.AT_ONCE):
            try:
                async with self._rt.db.transaction(workspace_id) as tx:
                    asked = await waiting.alone(tx) and await _ask_one(tx, self._rt)
            except Overtaken:
                logger.info("a time was taken while somebody was to be asked")
                continue
            if not asked:
                return
            await self._rt.wake.wake(DELIVERIES)


async def _ask_one(tx: Tx, rt: Runtime) -> bool:
    """Whoever is first, can be written to now and has something free. False when there is nobody."""
    profile = (await workspaces.get(tx)).profile
    zone = ZoneInfo(profile.workspace.timezone)
    for one in await waiting.line(tx):
        await _put_aside(tx, one, profile)
    if "booking" not in profile.skills:
        return False
    settings = BookingSettings.model_validate(profile.skills["booking"])
    waiters = [one for one in await waiting.line(tx) if one.state == "waiting"]
    busy = await _busy(tx, waiters)
    for one in waiters:
        found = opening_for(one, settings, profile.hours, zone, busy, tx.now.astimezone(zone))
        if found is None:
            await waiting.look_again(tx, one, None)
            continue
        quiet = quiet_hours.quiet_until(tx.now, one.zones, one.region, Purpose.NOTICE)
        if quiet is not None:
            await waiting.look_again(tx, one, quiet)
            if (
                quiet + settings.offer + settings.notice <= found.start
            ):  # it is theirs to be asked about first
                busy.append(Busy(found.resource, found.seat, found.start, found.end + _buffer(one, settings)))
            continue
        if await _ask(tx, rt, one, found, settings):
            return True
    return False


async def _put_aside(tx: Tx, one: Waiter, profile: Profile) -> None:
    """Whoever is not to be asked any more, or did not answer in time."""
    if one.opted_out:
        await waiting.ended(tx, one, "left", "opted_out")
    elif one.window.end <= tx.now or "booking" not in profile.skills:
        await waiting.ended(tx, one, "over", "nothing_free")
    elif one.state == "asked" and one.until is not None and one.until <= tx.now:
        await waiting.unanswered(tx, one)
        if one.asks >= MOST_ASKS:
            await waiting.ended(tx, one, "over", "no_answer")


async def _busy(tx: Tx, waiters: Sequence[Waiter]) -> list[Busy]:
    if not waiters:
        return []
    first, last = min(one.window.start for one in waiters), max(one.window.end for one in waiters)
    return await appointments.busy(tx, max(first, tx.now) - LONGEST, last)


async def _ask(tx: Tx, rt: Runtime, one: Waiter, found: Opening, settings: BookingSettings) -> bool:
    started = await talks.talk(tx, one.contact_id, one.conversation_id)
    if started is None:
        await waiting.ended(tx, one, "left", "unreachable")
        await notifications.add(
            tx, notifications.Kind.CALENDAR, conversation_id=one.conversation_id, subject_id=one.id,
            reason="waiter_unreachable", roles=notifications.WORKING,
        )  # fmt: skip
        return False
    if await talks.waits(tx, started):
        await waiting.look_again(tx, one, tx.now + waiting.SOON)
        return False
    run, text = _question(started, one, found, settings)
    talk = started.turn.conversation
    offer = OfferTime(
        one.id, run.id, talk.contact_id, talk.id, one.service, found, _buffer(one, settings), settings.offer
    )
    await talks.tell(tx, rt, started, text, "waitlist", (offer, SaveRun(run)))
    if (await waiting.get(tx, one.id)).state == "waiting":  # a person says first whether it may be said
        until = tx.now + started.turn.profile.policy.draft_expires + settings.offer
        await waiting.proposed(tx, one, run.id, found.start, until)
    return True


def _question(started: Started, one: Waiter, found: Opening, settings: BookingSettings) -> tuple[Run, str]:
    """The run that waits for their yes, and what they are asked."""
    turn = started.turn
    language, start = compose.language_of(turn), found.start.astimezone(turn.now.tzinfo)
    until = turn.now + settings.offer
    facts = {
        "service": settings.called(one.service, language), "start": start, "staff": found.staff,
        "until": until, "tomorrow": until.date() != turn.now.date(),
    }  # fmt: skip
    text = words.say("booking_came_free", language, turn.profile.assistant.personality, **facts)
    run = Run(uuid5(one.id, found.start.isoformat()), "booking", "book", turn.base_seq, read_back=text)
    run = run.holding(service=one.service).recalling(
        chosen=as_json(found), service=one.service, asked="confirm", waiting=str(one.id)
    )
    return run, text


def _buffer(one: Waiter, settings: BookingSettings) -> timedelta:
    service = settings.service(one.service)
    return timedelta(minutes=service.buffer if service else 0)
