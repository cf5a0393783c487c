"""The booking skill: which of its goals a message is about, and one step towards it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.booking import (
    Appointment,
    BookingSettings,
    BookTime,
    CancelTime,
    HoldTime,
    LetGo,
    MoveTime,
    Opening,
    Service,
    Window,
    as_json,
    from_json,
    nearest,
)
from domain.entities.names import is_sentence
from domain.ports import Calendar
from domain.skill import Command, Heard, Risk, Run, RunState, Said, Skill, Step, Subject, WorldEffect
from skills.booking import remind, waiting, whom
from skills.booking import wish as wishes
from skills.booking.settings import service_in, service_told, settings_of
from skills.booking.wish import Wish

SEARCHED = 400
"""Openings looked at when the nearest ones are chosen: about a week of quarters of an hour."""
_CONTINUES = frozenset({"book_appointment", "reschedule_appointment", "give_information", "affirm", "deny"})
_TELLING = frozenset({"give_information", "unknown"})
_PICTURES = frozenset({"So", "Sk", "Cf"})
_NAMED_BY = re.compile(
    r"^(?:i['\u2019]?m|it['\u2019]?s|this is|my name is|name is|me llamo|soy|es)\s+", re.IGNORECASE
)
_WANTS = re.compile(
    r"\b(?:want|need|would like|'d like|can i|could i|please|pls|plz|book|let['\u2019]?s|quiero|quisiera|necesito"
    r"|me gustar[ií]a|querr[ií]a|puedo|por favor|reservar?)\b",
    re.IGNORECASE,
)


_MOVES = re.compile(
    r"\b(?:re-?schedul\w*|mov(?:e|ing)|chang\w*|switch\w*|postpon\w*|push\w*|swap\w*|instead|later|earlier"
    r"|cambi\w*|mover\w*|reprogram\w*|aplaz\w*|adelant\w*|pas(?:ar|e) (?:la|mi) cita)\b",
    re.IGNORECASE,
)


class Booking(Skill):
    name = "booking"
    description = "Finds free times and books, moves or cancels appointments."
    risk = Risk.REVERSIBLE
    goals = {  # noqa: RUF012  (never changed)
        "book_appointment": "book",
        "reschedule_appointment": "move",
        "cancel_appointment": "cancel",
        "check_status": "look",
    }

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def goal(self, intent: str, heard: Heard) -> str | None:
        """ "I need a cleaning on Tuesday" asks for nothing but says it all."""
        if _shown_service(heard) is not None:
            return "book"  # "can I see the second one?"
        if waits := waiting.goal(heard.part or heard.text):
            return waits
        if intent in _TELLING and _WANTS.search(heard.text) and wishes.read(heard):
            named = "service" in heard.told or service_in(heard.text, settings_of(heard.profile))
            return "book" if named else None
        return self.goals.get(intent)

    def continues(self, run: Run, goal: str, heard: Heard) -> bool:
        """ "Can we move it to three?" while a booking is read back changes the booking; an answer to a reminder that
        names another time is about that appointment, one that names a service is not."""
        if run.goal == remind.GOAL:
            named = service_in(heard.text, settings_of(heard.profile)) is not None
            return goal in ("move", "cancel") or (goal == "book" and not named and bool(wishes.read(heard)))
        if run.goal in ("book", waiting.GOAL) and goal in ("book", waiting.GOAL):
            return True
        return run.goal == goal or (run.goal == "book" and goal == "move")

    def calls_off(self, run: Run) -> bool:
        """To a reminder, "cancel" is said of the appointment."""
        return run.goal != remind.GOAL

    def concerns(self, run: Run, heard: Heard) -> bool:
        if run.goal == remind.GOAL:
            return remind.concerns(run, heard)
        if heard.intent in _CONTINUES or heard.affirms is not None or heard.command is not None:
            return True
        offers = _offers(run)
        if offers and wishes.elsewhen(heard.text):
            return True
        if "?" not in heard.text and whom.named(heard, settings_of(heard.profile)):
            return True
        if heard.intent.startswith("ask_"):
            return False
        taken = bool(offers) and wishes.picked(heard, offers, _zone(heard)) is not None
        answers_name = run.memory.get("asked") == "name" and heard.intent in ("unknown", "greeting")
        return taken or bool(wishes.read(heard)) or bool(heard.told) or answers_name

    async def step(self, run: Run, heard: Heard) -> Step:
        settings = settings_of(heard.profile)
        if run.goal == waiting.LEAVES:
            return waiting.left(run, heard)
        if run.goal == waiting.GOAL or (run.goal == "book" and waiting.asks(heard.text)):
            return await self._wait(run, heard, settings)
        if run.goal == "book":
            return (
                waiting.declined(run)
                if waiting.declines(run, heard)
                else await self._book(run, heard, settings)
            )
        mine = await self._calendar.appointments(heard.workspace_id, heard.contact_id, heard.now)
        if run.goal == "look":
            return _shown(run, mine, heard)
        if not mine and run.goal == "move" and wishes.read(heard) and not _moves(heard.text, settings):
            return await self._book(replace(run, goal="book"), heard, settings)  # "bring my car in on Friday"
        if not mine:
            return Step(
                run.ended(RunState.DONE), (Said("booking_none_to_change"),), for_person="no_appointment"
            )
        which = _which(run, heard, mine)
        if run.goal == remind.GOAL:
            if which is None or str(which.id) != run.slots["appointment"]:
                return _shown(run, mine, heard)
            answer = remind.answered(run, heard, which, settings)
            if isinstance(answer, Step):
                return answer
            run = answer
        if which is None:
            kept = run.recalling(choices=[str(one.id) for one in mine], asked="which")
            return Step(kept, (Said("booking_which", {"appointments": _told(mine, heard)}),))
        if which.start - heard.now < settings.change_until:
            return Step(
                run.ended(RunState.DONE), (Said("booking_too_late"),), for_person="too_late_to_change"
            )
        run = run.holding(appointment=str(which.id), version=which.version)
        if run.goal == "cancel":
            return _cancelling(run, heard, which)
        return await self._move(run, heard, settings, which)

    async def resume(self, run: Run, heard: Heard) -> Step:
        """As if the last question were asked again."""
        quiet = replace(
            heard, text="", entities=(), told=frozenset(), affirms=None, confirmed=False, command=None
        )
        return await self.step(run, quiet)

    def about(self, run: Run) -> Subject | None:
        key = run.slots.get("about")
        return Subject("home", key, run.slots["about_called"]) if key else None

    def release(self, run: Run) -> tuple[WorldEffect, ...]:
        return (LetGo(run.id), *waiting.released(run))

    async def _book(self, run: Run, heard: Heard, settings: BookingSettings) -> Step:
        if heard.command is Command.BACK:
            run = _back(run)
        run = _about(run, heard)
        service = _service(run, heard, settings)
        if isinstance(service, str):
            said = Said("booking_not_bookable", {"service": service})
            return Step(run.ended(RunState.DONE), (said,), for_person="service_not_bookable")
        if service is None:
            kept = run.recalling(asked="service", wish=_wish(run, heard).as_json())
            options = [one.called(heard.language) for one in settings.services]
            return Step(kept, (Said("booking_ask_service", {"options": options}),))
        run, service, beside = whom.chosen(run.holding(service=service.name), heard, settings, service)
        found = await self._time(run, heard, settings, service)
        if isinstance(found, Step):
            return replace(found, said=(*beside, *found.said))
        run, opening, changed = found
        name = heard.contact_name or _name_said(run, heard)
        again = run.memory.get("asked") == "name" and not heard.text  # after a digression
        if name is None and settings.ask_name and (changed or again or "asked_name" not in run.memory):
            kept = run.recalling(asked="name", asked_name=True)
            asked = (*beside, Said("ask_person_name"))
            return Step(kept, asked, (_hold(kept, heard, settings, service, opening),))
        held = _hold(run, heard, settings, service, opening)
        facts = _facts(service, opening, heard, run) | {"name": name}
        if heard.confirmed and not changed:
            ended = run.ended(RunState.DONE, service=service.name, start=opening.start.isoformat())
            done = Said("booking_booked", facts)
            return Step(
                ended, (done,), (BookTime(held, name, settings.remind),), fills=_fills(service, facts)
            )
        kept = run.recalling(asked="confirm", **({"name": name} if name else {}))
        return Step(kept, (*beside, Said("booking_confirm", facts)), (held,), asks_yes=True)

    async def _wait(self, run: Run, heard: Heard, settings: BookingSettings) -> Step:
        """Onto the list; but whoever has been shown no times yet, and could have one, is shown them."""
        service, wish = _service(run, heard, settings), _wish(run, heard)
        if isinstance(service, str):
            said = Said("booking_not_bookable", {"service": service})
            return Step(run.ended(RunState.DONE), (said,), for_person="service_not_bookable")
        if service is None:
            kept = replace(run, goal=waiting.GOAL).recalling(asked="service", wish=wish.as_json())
            options = [one.called(heard.language) for one in settings.services]
            return Step(kept, (Said("booking_ask_service", {"options": options}),))
        run = run.holding(service=service.name).recalling(wish=wish.as_json(), service=service.name)
        found = await self._openings(run, heard, service, wishes.window(wish, heard.now, settings.horizon))
        if found and run.goal == waiting.GOAL:
            return await self._offered(replace(run, goal="book"), heard, settings, service, wish, found)
        return waiting.joined(run, heard, settings, service, wish, found)

    async def _move(self, run: Run, heard: Heard, settings: BookingSettings, mine: Appointment) -> Step:
        service = settings.service(mine.service)
        if service is None:
            said = Said("booking_not_bookable", {"service": mine.service})
            return Step(run.ended(RunState.DONE), (said,), for_person="service_not_bookable")
        service = whom.as_before(heard, settings, service, mine.staff)
        run = run.holding(about=mine.about, about_called=mine.about_called)
        found = await self._time(run, heard, settings, service, mine)
        if isinstance(found, Step):
            return found
        run, opening, changed = found
        facts = _facts(service, opening, heard, run) | {"before": mine.start.astimezone(heard.now.tzinfo)}
        if heard.confirmed and not changed:
            ended = run.ended(RunState.DONE, service=service.name, start=opening.start.isoformat())
            held = _hold(run, heard, settings, service, opening)
            effect = MoveTime(mine.id, mine.version, held, settings.remind)
            return Step(ended, (Said("booking_moved", facts),), (effect,), fills=_fills(service, facts))
        return Step(run.recalling(asked="confirm"), (Said("booking_confirm_move", facts),), asks_yes=True)

    async def _time(
        self,
        run: Run,
        heard: Heard,
        settings: BookingSettings,
        service: Service,
        moved: Appointment | None = None,
    ) -> Step | tuple[Run, Opening, bool]:
        """The chosen opening and whether this message chose it anew; or a step that offers some."""
        offers, zone = _offers(run), _zone(heard)
        taken = wishes.picked(heard, offers, zone) if offers and "chosen" not in run.memory else None
        said = _without(wishes.read(heard), moved, zone)
        before = wishes.from_json(run.memory.get("wish"))
        if moved is not None and not before and not said.days and (said.at or said.part):
            said = replace(said, days=(moved.start.astimezone(zone).date(),))  # "can we make it four?"
        wish = wishes.merged(before, said)
        if taken is None and not said and "chosen" in run.memory and not _refuses(run, heard):
            chosen = from_json(run.memory["chosen"])
            if found := await self._at(chosen, heard, service, run):
                changed = run.memory.get("service") != service.name or not whom.does(service, chosen.resource)
                opening = found[0] if changed else chosen  # another service takes another while
                return run.recalling(chosen=as_json(opening), service=service.name), opening, changed
            wish = _exactly(chosen, zone)
        elif taken is not None:
            wish = _exactly(taken, zone)
        run = replace(run, memory={k: v for k, v in run.memory.items() if k != "chosen"}, read_back="")
        run = run.recalling(wish=wish.as_json(), service=service.name)
        if _refuses(run, heard) and not said:
            return await self._instead(run, heard, settings, service, offers)
        found = await self._openings(run, heard, service, wishes.window(wish, heard.now, settings.horizon))
        if found and wish.exact:
            return run.recalling(chosen=as_json(found[0])), found[0], True
        return await self._offered(run, heard, settings, service, wish, found)

    async def _at(self, chosen: Opening, heard: Heard, service: Service, run: Run) -> Sequence[Opening]:
        """What can be booked at this very time."""
        wish = _exactly(chosen, _zone(heard))
        return await self._openings(run, heard, service, wishes.window(wish, heard.now, timedelta(days=1)))

    async def _openings(self, run: Run, heard: Heard, service: Service, window: Window) -> Sequence[Opening]:
        """What the run holds, and the appointment that it moves, are in nobody's way."""
        moved = run.slots.get("appointment")
        own = [run.id, UUID(moved)] if moved else [run.id]
        window = replace(window, about=run.slots.get("about", ""))
        return await self._calendar.openings(
            heard.workspace_id, heard.profile, service, window, heard.now, SEARCHED, own
        )

    async def _offered(
        self, run: Run, heard: Heard, settings: BookingSettings, service: Service, wish: Wish,
        found: Sequence[Opening],
    ) -> Step:  # fmt: skip
        """Three of what fits; if nothing does, three of what is nearest to it."""
        zone, key = _zone(heard), "booking_offer"
        offers = nearest(found, None)
        if not found and wish and not wish.soon:
            key = "booking_taken" if wish.exact else "booking_none_then"
            near = await self._openings(run, heard, service, wishes.around(wish, heard.now))
            offers = nearest(near, wishes.wanted(wish, zone))
        if not offers:
            offers = nearest(
                await self._openings(run, heard, service, wishes.window(Wish(), heard.now, settings.horizon)),
                None,
            )
        if not offers:
            return Step(run.ended(RunState.DONE), (Said("booking_full"),), for_person="no_free_times")
        facts = {
            "service": _of(service, heard, run),
            "times": _times(offers, heard),
            "wanted": _asked_for(wish),
        }
        kept = run.recalling(offers=[as_json(one) for one in offers], asked="time")
        may_wait = (Said("booking_may_wait"),) if key != "booking_offer" and run.goal == "book" else ()
        return Step(kept, (Said(key, facts), *may_wait), (LetGo(run.id),))

    async def _instead(
        self, run: Run, heard: Heard, settings: BookingSettings, service: Service, offers: Sequence[Opening]
    ) -> Step:
        """They want none of these: the ones after them, or before, or a day of their own choosing."""
        everything = await self._openings(
            run, heard, service, wishes.window(Wish(), heard.now, settings.horizon)
        )
        seen = {one.start for one in offers}
        rest = [one for one in everything if one.start not in seen]
        if offers and wishes.earlier(heard.text):
            rest = [one for one in rest if one.start < offers[0].start][-SEARCHED:]
            chosen = nearest(rest[::-1], offers[0].start)
        elif offers:
            rest = [one for one in rest if one.start > offers[-1].start] or rest
            chosen = nearest(rest, None)
        else:
            chosen = nearest(rest, None)
        if not chosen:
            return Step(run.recalling(asked="time"), (Said("booking_no_others"),), (LetGo(run.id),))
        facts = {"service": _of(service, heard, run), "times": _times(chosen, heard), "wanted": None}
        kept = run.recalling(offers=[as_json(one) for one in chosen], asked="time", wish=None)
        return Step(kept, (Said("booking_others", facts),), (LetGo(run.id),))


def _moves(text: str, settings: BookingSettings) -> bool:
    """An oil change changes no appointment."""
    named = "|".join(re.escape(name) for one in settings.services for name in (one.name, *one.synonyms))
    return bool(_MOVES.search(re.sub(named, " ", text, flags=re.IGNORECASE)))


def _zone(heard: Heard) -> ZoneInfo:
    zone = heard.now.tzinfo
    assert isinstance(zone, ZoneInfo)
    return zone


def _offers(run: Run) -> list[Opening]:
    return [from_json(one) for one in run.memory.get("offers") or ()]


def _wish(run: Run, heard: Heard) -> Wish:
    return wishes.merged(wishes.from_json(run.memory.get("wish")), wishes.read(heard))


def _exactly(opening: Opening, zone: ZoneInfo) -> Wish:
    local = opening.start.astimezone(zone)
    return Wish((local.date(),), local.time().replace(tzinfo=None))


def _without(wish: Wish, moved: Appointment | None, zone: ZoneInfo) -> Wish:
    """ "Move my Tuesday cleaning to Thursday": Tuesday says which one, not when."""
    if moved is None or len(wish.days) < 2:
        return wish
    own = moved.start.astimezone(zone).date()
    return replace(wish, days=tuple(day for day in wish.days if day != own))


def _refuses(run: Run, heard: Heard) -> bool:
    """None of what was offered or read back."""
    if not (run.memory.get("offers") or run.memory.get("chosen")) or heard.begins:
        return False
    asks_other = wishes.others(heard.text) or wishes.earlier(heard.text) or wishes.later(heard.text)
    keeps_name = run.memory.get("asked") == "name"  # "I'd rather not say" is no to that question
    return (heard.affirms is False and not keeps_name) or asks_other


def _back(run: Run) -> Run:
    """One step: from the name or the read-back to the times, from the times to the service."""
    if "chosen" not in run.memory:
        memory = {name: run.memory[name] for name in run.memory if name not in ("wish", "offers")}
        return replace(
            run, memory=memory, slots={k: v for k, v in run.slots.items() if k != "service"}, read_back=""
        )
    wish = replace(wishes.from_json(run.memory.get("wish")), at=None)
    memory = {name: run.memory[name] for name in run.memory if name not in ("chosen", "asked_name")}
    return replace(run, memory=memory | {"wish": wish.as_json()}, read_back="")


def _service(run: Run, heard: Heard, settings: BookingSettings) -> Service | str | None:
    """What this message says, else what the run has, else what the context has, else the only one there is."""
    kept = settings.service(run.slots["service"]) if "service" in run.slots else None
    told = service_told(heard, settings)
    if heard.command is Command.BACK and kept is None:
        return None
    if kept is not None and not (
        {"service"} & heard.told or (isinstance(told, Service) and told.name in heard.text)
    ):
        return kept
    if told is not None:
        return told
    return kept or (settings.services[0] if len(settings.services) == 1 else None)


def _name_said(run: Run, heard: Heard) -> str | None:
    """The answer to "May I have your name?", as far as it looks like one."""
    if run.memory.get("name"):
        return str(run.memory["name"])
    if run.memory.get("asked") != "name":
        return None
    said = "".join(
        one for one in heard.text if unicodedata.category(one) not in _PICTURES and one != "\ufe0f"
    )
    words = _NAMED_BY.sub("", said.strip(" .!,\n")).split()
    looks = 1 <= len(words) <= 4 and all(word.strip(".'-").isalpha() for word in words)
    looks = looks and not is_sentence(" ".join(words))
    return " ".join(words).title() if looks and heard.affirms is None else None


def _hold(run: Run, heard: Heard, settings: BookingSettings, service: Service, opening: Opening) -> HoldTime:
    return HoldTime(
        run.id, heard.contact_id, heard.conversation_id, service.name, opening,
        timedelta(minutes=service.buffer), heard.now + settings.hold,
        run.slots.get("about", ""), run.slots.get("about_called", ""),
    )  # fmt: skip


def _shown_service(heard: Heard) -> Service | None:
    """What is booked to be shown the thing that the message points at."""
    if heard.subject is None:
        return None
    kind = heard.subject.kind
    return next((one for one in settings_of(heard.profile).services if one.of == kind), None)


def _about(run: Run, heard: Heard) -> Run:
    """With what it is about, when this message says so: the second one, not the first."""
    service = _shown_service(heard)
    if service is None or heard.subject is None:
        return run
    return run.holding(service=service.name, about=heard.subject.key, about_called=heard.subject.called)


def _of(service: Service, heard: Heard, run: Run) -> str:
    settings = settings_of(heard.profile)
    return settings.called(service.name, heard.language, run.slots.get("about_called", ""))


def _facts(service: Service, opening: Opening, heard: Heard, run: Run) -> dict[str, Any]:
    return {
        "service": _of(service, heard, run),
        "start": opening.start.astimezone(heard.now.tzinfo),
        "staff": opening.staff,
    }


def _fills(service: Service, facts: dict[str, Any]) -> dict[str, Any]:
    start: datetime = facts["start"]
    filled = {"service": service.name, "when": start.isoformat()}
    return filled | ({"staff": facts["staff"]} if facts["staff"] else {})


def _times(offers: Sequence[Opening], heard: Heard) -> list[datetime]:
    return [one.start.astimezone(heard.now.tzinfo) for one in offers]


def _asked_for(wish: Wish) -> Any:
    return wish.days[0] if len(wish.days) == 1 else None


def _called(one: Appointment, heard: Heard) -> str:
    return settings_of(heard.profile).called(one.service, heard.language, one.about_called)


def _told(mine: Sequence[Appointment], heard: Heard) -> list[dict[str, Any]]:
    return [
        {"service": _called(one, heard), "start": one.start.astimezone(heard.now.tzinfo), "staff": one.staff}
        for one in mine
    ]


def _shown(run: Run, mine: Sequence[Appointment], heard: Heard) -> Step:
    if not mine:
        return Step(run.ended(RunState.DONE), (Said("booking_have_none"),))
    return Step(run.ended(RunState.DONE), (Said("booking_have", {"appointments": _told(mine, heard)}),))


def _which(run: Run, heard: Heard, mine: Sequence[Appointment]) -> Appointment | None:
    if chosen := next((one for one in mine if str(one.id) == run.slots.get("appointment")), None):
        return chosen
    if len(mine) == 1:
        return mine[0]
    zone, said = _zone(heard), heard.text.casefold()
    openings = [Opening(one.start, one.end, one.resource, 0) for one in mine]
    if (place := wishes.picked(heard, openings, zone)) is not None:
        return mine[openings.index(place)]
    wish = wishes.read(heard)
    on_day = [one for one in mine if one.start.astimezone(zone).date() in wish.days[:1]]
    named = [one for one in (on_day or mine) if one.service.casefold() in said]
    found = named or on_day
    return found[0] if len(found) == 1 else None


def _cancelling(run: Run, heard: Heard, mine: Appointment) -> Step:
    facts = {
        "service": _called(mine, heard),
        "start": mine.start.astimezone(heard.now.tzinfo),
        "staff": mine.staff,
    }
    if heard.confirmed:
        effect = CancelTime(mine.id, mine.version, heard.contact_id)
        return Step(
            run.ended(RunState.DONE, **{"cancelled": str(mine.id)}),
            (Said("booking_cancelled", facts),),
            (effect,),
        )
    if heard.affirms is False and not heard.begins:
        return Step(run.ended(RunState.CANCELLED), (Said("booking_kept", facts),))
    return Step(run.recalling(asked="confirm"), (Said("booking_confirm_cancel", facts),), asks_yes=True)
