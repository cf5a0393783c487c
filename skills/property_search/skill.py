"""The search skill: one message, one step: homes found, told about, compared, kept, or what could be different."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.entities import Kind
from domain.listings import features
from domain.listings.home import Listing
from domain.listings.search import (
    Change,
    PropertySearchSettings,
    Wanted,
    change_from_json,
    changed,
    from_json,
    nearest,
)
from domain.listings.shortlist import KeepHome, LetHomeGo
from domain.ports import Homes
from domain.skill import Command, Heard, Risk, Run, RunState, Said, Skill, Step, Subject
from skills.property_search import ask, reading, telling
from skills.property_search.ask import LAST, Ask

FEW = 6
"""Words of a question that only names a thing."""
DATED = frozenset({Kind.DATE, Kind.TIME, Kind.DATETIME, Kind.DATE_RANGE, Kind.TIME_RANGE})
ALMOST = {"short": 2, "long": 3}
"""How many things that could be different are told."""


class PropertySearch(Skill):
    name = "property_search"
    description = "Finds homes by what a customer wants, tells about them and keeps a shortlist."
    risk = Risk.PUBLIC
    goals = {}  # noqa: RUF012  (by its own words, and the intents that the workspace names)
    one_run = True

    def __init__(self, homes: Homes) -> None:
        self._homes = homes

    def goal(self, intent: str, heard: Heard) -> str | None:
        if intent == "fair_housing":
            return None
        said = heard.part or heard.text
        begins = intent in _settings(heard).begin or ask.wants(said) or _tells(heard)
        named = ask.address(said) is not None and not ask.visits(said) and intent.startswith("ask_")
        return "search" if begins or named or ask.wants_list(said) else None

    def concerns(self, run: Run, heard: Heard) -> bool:
        if heard.intent == "fair_housing" or ask.sells(heard.text):
            return False
        if heard.command is Command.BACK:
            return True
        settings = _settings(heard)
        if heard.told & set(settings.fields.values()):
            return True
        if _asked(run, heard.text).view:
            return True
        if heard.intent.startswith("ask_") and ask.asks(heard.text) and not ask.wants(heard.text):
            return self.answers(run, heard)
        if run.memory.get("changes") and (heard.affirms is not None or ask.places(heard.text)):
            return True
        return bool(run.memory.get("asked")) or reading.says_something(heard.text)

    def holds(self, run: Run, heard: Heard) -> bool:
        return bool(_asked(run, heard.text).view) and not ask.visits(heard.text)

    def answers(self, run: Run, heard: Heard) -> bool:
        """A question about the homes that were shown, or for others."""
        run = _focused(run, heard)
        read = _asked(run, heard.text)
        asks_other = bool(_shown(run)) and (reading.compares(heard.text) or ask.wants(heard.text))
        return bool(read.view) or asks_other

    async def points_at(self, run: Run | None, heard: Heard) -> Subject | None:
        """The home of which a message speaks that wants to see it: one of the list, the one spoken of, or by address."""
        dated = any(one.kind in DATED for one in heard.entities)
        if not ask.visits(heard.text, dated) and heard.intent != "book_appointment":
            return None
        if run is not None and (home := _pointed(run, heard.text)):
            return Subject("home", home["key"], home["address"])
        if (named := ask.address(heard.text)) is not None:
            found = await self._homes.at_address(heard.workspace_id, *named)
            if len(found) == 1 and found[0].status in ("active", "pending"):
                return Subject("home", found[0].key, found[0].address)
        return None

    async def step(self, run: Run, heard: Heard) -> Step:
        run = _focused(run, heard)
        if heard.command is Command.BACK and "before" in run.memory:
            return await self._searched(run, from_json(run.memory["before"]), heard)
        read = _asked(run, heard.text)
        if read.view in ("list", "clear") or ask.wants_list(heard.text):
            return await self._listed(run, heard, clear=read.view == "clear")
        if (named := ask.address(heard.text)) is not None and not read.which:
            found = await self._homes.at_address(heard.workspace_id, *named)
            if found:
                return self._told(run, found[0], heard)
        if read.view in ("details", "keep", "drop"):
            return await self._one(run, read, heard)
        if run.memory.get("changes") and (taken := _taken(run, heard)) is not None:
            return await self._searched(run, changed(from_json(run.slots), taken), heard)
        if read.view == "more":
            return await self._more(run, heard)
        if run.memory.get("changes") and heard.affirms is False and not heard.told:
            return Step(run.recalling(changes=[], asked="what"), (Said("homes_what_else"),))
        return await self._wanted(run, read, heard)

    async def resume(self, run: Run, heard: Heard) -> Step:
        """A list is not said again after every question in between."""
        if heard.command is Command.REPEAT and _shown(run):
            found = await self._homes.get(heard.workspace_id, [one["key"] for one in _shown(run)])
            page = tuple(found[-_many(heard) :])
            return _public(
                run, Said("homes_again", telling.homes(page, heard, len(found) - len(page))), heard
            )
        return Step(run, (Said("homes_back"),))

    async def _wanted(self, run: Run, read: Ask, heard: Heard) -> Step:
        """A new search, or the last one with what this message changes."""
        settings = _settings(heard)
        before = Wanted() if heard.begins or reading.anew(heard.text) else from_json(run.slots)
        places = await self._homes.places(heard.workspace_id, _without_areas(heard.text, settings))
        pointed = _pointed(run, heard.text)
        reference = [pointed] if pointed else _shown(run)
        wanted = reading.read(before, heard, settings, places, reference, begins=heard.begins)
        if read.view == "similar" and pointed:
            wanted = replace(wanted, like=pointed["key"], order="")
        if replace(wanted, kinds=()).open and not wanted.order and not run.memory.get("asked"):
            named = ask.address(heard.text) if heard.begins else None
            said = Said("homes_not_here", {"address": " ".join(named)}) if named else Said("homes_ask")
            return Step(_holding(run, wanted).recalling(asked="what"), (said,))
        return await self._searched(
            run.recalling(before=dict(run.slots)), wanted, heard, reading.fills(wanted, heard, settings)
        )

    async def _searched(
        self, run: Run, wanted: Wanted, heard: Heard, fills: Mapping[str, Any] | None = None
    ) -> Step:
        found = await self._homes.find(heard.workspace_id, wanted, _many(heard))
        run = _holding(run, wanted).recalling(asked="", changes=[], focus="", total=found.total)
        if not found.hits:
            return replace(await self._none(run, wanted, heard), fills=dict(fills or {}))
        page = tuple(one.home for one in found.hits)
        facts = telling.homes(page, heard, 0, wanted.wishes) | telling.wanted(wanted, heard)
        facts |= {"total": found.total, "more": found.total > len(page)}
        run = run.recalling(
            shown=[telling.kept(one) for one in page], focus=page[0].key if len(page) == 1 else ""
        )
        key = "homes_similar" if wanted.like else "homes_found"
        return replace(_public(run, Said(key, facts), heard), fills=dict(fills or {}))

    async def _none(self, run: Run, wanted: Wanted, heard: Heard) -> Step:
        """What could be different, each by as little as there is."""
        loose = replace(wanted, like="", order="")
        changes = await self._homes.changes(heard.workspace_id, loose)
        run = run.recalling(shown=[])
        if best := nearest(changes, loose, ALMOST["short" if telling.terse(heard) else "long"]):
            facts = telling.wanted(loose, heard) | {"changes": [telling.change(one, heard) for one in best]}
            return _public(
                run.recalling(changes=[one.as_json() for one in best]), Said("homes_none", facts), heard
            )
        anything = await self._homes.find(heard.workspace_id, Wanted(deal=wanted.deal), 1)
        if not anything.total:
            return Step(run.ended(RunState.DONE), (Said("homes_no_listings"),), for_person="no_listings")
        return _public(run.recalling(asked="what"), Said("homes_far", telling.wanted(loose, heard)), heard)

    async def _more(self, run: Run, heard: Heard) -> Step:
        shown = _shown(run)
        found = await self._homes.find(
            heard.workspace_id, from_json(run.slots), _many(heard), [one["key"] for one in shown]
        )
        if not found.hits:
            return Step(run, (Said("homes_no_more"),))
        page = tuple(one.home for one in found.hits)
        facts = telling.homes(page, heard, len(shown), from_json(run.slots).wishes)
        facts |= {"more": found.total > len(page)}
        run = run.recalling(shown=[*shown, *(telling.kept(one) for one in page)])
        return _public(run, Said("homes_more", facts), heard)

    async def _one(self, run: Run, read: Ask, heard: Heard) -> Step:
        shown = _shown(run)
        which = [one for place in read.which if (one := _at(shown, place))]
        keys = [one["key"] for one in which]
        focus = run.memory.get("focus") or (shown[0]["key"] if len(shown) == 1 else "")
        keys = keys or ([focus] if read.it and focus else [])
        if not keys:
            return Step(run, (Said("homes_which", {"count": len(shown)}),))
        homes = await self._homes.get(heard.workspace_id, keys)
        if not homes:
            return Step(run, (Said("homes_no_more"),))
        if read.view == "details":
            return self._told(run, homes[0], heard)
        kept = read.view == "keep"
        effects = tuple((KeepHome if kept else LetHomeGo)(heard.contact_id, one.key) for one in homes)
        said = Said("homes_kept" if kept else "homes_dropped", {"addresses": [one.address for one in homes]})
        return Step(run.recalling(focus=homes[0].key), (said,), effects)

    def _told(self, run: Run, home: Listing, heard: Heard) -> Step:
        """All of one home; to a question about what it has, only that."""
        shown = _shown(run)
        if all(one["key"] != home.key for one in shown):
            shown = [*shown, telling.kept(home)]
        run = run.recalling(shown=shown, focus=home.key, asked="")
        return _public(run, telling.details(home, heard), heard)

    async def _listed(self, run: Run, heard: Heard, *, clear: bool) -> Step:
        mine = await self._homes.shortlist(heard.workspace_id, heard.contact_id)
        if not mine:
            return Step(run, (Said("homes_shortlist_empty"),))
        if clear:
            effects = tuple(LetHomeGo(heard.contact_id, one.key) for one in mine)
            return Step(run, (Said("homes_shortlist_cleared", {"count": len(mine)}),), effects)
        run = run.recalling(
            shown=[telling.kept(one) for one in mine], focus=mine[0].key if len(mine) == 1 else ""
        )
        return _public(run, Said("homes_shortlist", telling.homes(tuple(mine), heard, 0)), heard)


def _settings(heard: Heard) -> PropertySearchSettings:
    return PropertySearchSettings.model_validate(heard.profile.skills["property_search"])


def _tells(heard: Heard) -> bool:
    """ "3 bed 2 bath in round rock under 400k" asks for nothing but says it all."""
    settings = _settings(heard)
    about = {field for name, field in settings.fields.items() if name != "deal"}
    return (
        heard.intent in ("give_information", "unknown", "book_appointment") and len(heard.told & about) >= 2
    )


def _without_areas(text: str, settings: PropertySearchSettings) -> str:
    """East Austin is not Austin."""
    said = text.lower()
    for label in settings.areas:
        said = said.replace(label.lower(), " ")
    return said


def _shown(run: Run) -> list[dict[str, Any]]:
    return list(run.memory.get("shown") or ())


def _focused(run: Run, heard: Heard) -> Run:
    """What they point at is what they speak of."""
    return run.recalling(focus=heard.subject.key) if heard.subject else run


def _asked(run: Run, text: str) -> Ask:
    """And "and a pool?" is asked of the home that was spoken of."""
    focus = run.memory.get("focus", "")
    read = ask.read(text, _shown(run), focus)
    if read.view == "details" and reading.compares(text):
        return Ask("", read.which, read.it)  # "anything cheaper than the first?" is a search
    bare = "?" in text and len(text.split()) <= FEW and not ask.wants(text)
    return Ask("details", (), True) if not read.view and focus and bare and features.named(text) else read


def _pointed(run: Run, text: str) -> dict[str, Any] | None:
    shown, focus = _shown(run), run.memory.get("focus", "")
    read = ask.read(text, shown, focus)
    which = read.which or ask.places(text)
    if which and shown:
        return _at(shown, which[0])
    if focus and (read.it or ask.speaks_of_it(text)):
        return next((one for one in shown if one["key"] == focus), None)
    return None


def _at(shown: Sequence[dict[str, Any]], place: int) -> dict[str, Any] | None:
    if place == LAST:
        return shown[-1] if shown else None
    return shown[place] if place < len(shown) else None


def _taken(run: Run, heard: Heard) -> Change | None:
    """Which of the changes they agree to."""
    changes = [change_from_json(one) for one in run.memory["changes"]]
    which = ask.places(heard.text)
    if which:
        return changes[which[0]] if which[0] < len(changes) else None
    more = heard.told or reading.says_something(heard.text) or reading.anew(heard.text)
    return changes[0] if len(changes) == 1 and heard.affirms and not more else None


def _holding(run: Run, wanted: Wanted) -> Run:
    return replace(run, slots=wanted.as_json())


def _many(heard: Heard) -> int:
    settings = _settings(heard)
    return settings.short if telling.terse(heard) else settings.long


def _public(run: Run, said: Said, heard: Heard) -> Step:
    return Step(run, (said,), sources=("listings",), published=True)
