"""The valuation skill: asks what the rules need of a home, and lays comparable sales beside it."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.listings import cma
from domain.listings.cma import Analysis, Comparable, Home, HomeValueSettings
from domain.listings.home import Listing
from domain.ports import Homes
from domain.skill import Heard, Risk, Run, RunState, Said, Skill, Step
from skills.property_search import ask, reading

CURRENCY = "USD"
ASKED_MOST = 3
"""After so many questions an agent goes on."""
_WANTS = re.compile(
    r"\b(?:(?:what|how much)(?:'s| is| are| would| could| might| does)?[^.?!]{0,40}\b(?:my"
    r"|our)\b[^.?!]{0,25}\b(?:home|house|condo|place"
    r"|property|townhouse)\b[^.?!]{0,25}\b(?:worth|value|valued|sell for|go for|bring|cost)|(?:value"
    r"|worth) of (?:my|our) (?:home|house|condo"
    r"|place|property)|(?:home|house|market) (?:valuation|value|analysis|evaluation)|comparative market|\bcmas?\b"
    r"|(?:home|house) worth"
    r"|cu[aá]nto vale (?:mi|nuestra)|valor de (?:mi|nuestra)|an[aá]lisis (?:comparativo|de mercado)|valuar mi)\b",
    re.IGNORECASE,
)
_GENERAL = re.compile(r"\b(?:free|cost|how long|when|what is an?|gratis|cu[aá]nto cuesta)\b", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w$.,#-])\d{1,5}\s+[A-Za-z][\w.'-]*(?:\s+[A-Za-z][\w.'-]*){0,4}")
_ENDS = re.compile(
    r"\s+(?:with|has|it|and|is|in|on|a|the|built|worth|please|would|could|might|for|now|today|\d+|con|tiene|es|y|en|what|how"
    r"|my)\b.*$",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(1[89]\d\d|20[0-4]\d)\b(?!\s*(?:sq|square|pies))")
_SIZE_ALONE = re.compile(
    r"(?<![\d$#.,-])(\d{1,2},\d{3}|[5-9]\d\d|[1-9]\d{3})(?![\d,.-])(?!\s+[A-Za-z]+ (?:st|ave|dr|ln|rd|ct|way)\b)"
)
_CONTINUES = frozenset(
    {"give_information", "unknown", "affirm", "ask_location", "ask_listing", "book_appointment"}
)


class HomeValue(Skill):
    name = "home_value"
    description = "Lays comparable sales beside a seller's home: a comparative market analysis."
    risk = Risk.PUBLIC
    goals = {}  # noqa: RUF012  (by its own words, and the intents that the workspace names)
    one_run = True

    def __init__(self, homes: Homes) -> None:
        self._homes = homes

    def goal(self, intent: str, heard: Heard) -> str | None:
        said = heard.part or heard.text
        if intent == "fair_housing" or (_GENERAL.search(said) and ask.address(said) is None):
            return None
        return "compare" if intent in _settings(heard).begin or _WANTS.search(said) else None

    def concerns(self, run: Run, heard: Heard) -> bool:
        if heard.command is not None:
            return True
        if "?" in heard.text and not _WANTS.search(heard.text):
            return False
        told = heard.told & set(_settings(heard).fields.values())
        return bool(told) or heard.intent in _CONTINUES or bool(_facts(run, heard))

    def holds(self, run: Run, heard: Heard) -> bool:
        """The answer to what was asked of their own home is no wish for another."""
        return bool(run.memory.get("asked")) and not ask.seeks(heard.text) and bool(_facts(run, heard))

    async def step(self, run: Run, heard: Heard) -> Step:
        settings = _settings(heard)
        run = run.holding(**_facts(run, heard, begins=heard.begins))
        run = await self._looked_up(run, heard)
        run = await self._placed(run, heard, settings)
        lacking = [name for name in ("address", "beds", "size", "latitude") if run.slots.get(name) is None]
        if lacking:
            return _asking(run, lacking)
        home = _home(run)
        sold = await self._homes.sold(
            heard.workspace_id, home.latitude, home.longitude, float(settings.rules.radius),
            cma.since(settings.rules, heard.now.date()),
        )  # fmt: skip
        others = [(sale, miles) for sale, miles in sold if not _same(sale, home)]
        found = cma.analyse(home, others, settings.rules, settings.adjust, heard.now.date())
        return _told(run, home, found, settings)

    async def resume(self, run: Run, heard: Heard) -> Step:
        lacking = [name for name in ("address", "beds", "size", "latitude") if run.slots.get(name) is None]
        return Step(run, (_question(lacking),)) if lacking else await self.step(run, heard)

    async def _looked_up(self, run: Run, heard: Heard) -> Run:
        """What a listing of that very address says, where the customer has not said otherwise."""
        if "looked_up" in run.memory or not run.slots.get("address"):
            return run
        named = ask.address(str(run.slots["address"]))
        found = await self._homes.at_address(heard.workspace_id, *named) if named else ()
        run = run.recalling(looked_up=True)
        return run.holding(**(_of_listing(found[0]) | dict(run.slots))) if len(found) == 1 else run

    async def _placed(self, run: Run, heard: Heard, settings: HomeValueSettings) -> Run:
        """Where it stands: the middle of its neighbourhood will do."""
        if run.slots.get("latitude") is not None:
            return run
        text = heard.text.lower()
        label = next((one for one in settings.areas if one.lower() in text), "")
        if (
            not label
            and heard.begins
            and isinstance(kept := heard.context.get(settings.fields.get("area", "")), list)
        ):
            label = str(kept[0]) if kept else ""
        places = [x.lower() for x in settings.areas.get(label, (label,))] if label else []
        places = places or list(await self._homes.places(heard.workspace_id, text))
        middle = await self._homes.middle(heard.workspace_id, places) if places else None
        return run.holding(latitude=middle[0], longitude=middle[1]) if middle else run


def _settings(heard: Heard) -> HomeValueSettings:
    return HomeValueSettings.model_validate(heard.profile.skills["home_value"])


def _facts(run: Run, heard: Heard, *, begins: bool = False) -> dict[str, Any]:
    """What this message says of the home; at the beginning also what the context has."""
    settings = _settings(heard)
    found: dict[str, Any] = {}
    for name, field in settings.fields.items():
        value = heard.context.get(field)
        if isinstance(value, int | float) and (field in heard.told or (begins and name not in run.slots)):
            found[name] = int(value) if name != "baths" else str(value)
    said = _ADDRESS.search(heard.text) if ask.address(heard.text) else None
    if said and (run.slots.get("address") is None or run.memory.get("asked") == "address"):
        found["address"] = _ENDS.sub("", said[0]).strip(" .,")
    rest = heard.text.replace(said[0], " ") if said else heard.text
    figures = reading.figures(rest)
    found |= {name: value for name, value in figures.items() if value}
    if year := _YEAR.search(rest):
        found["year"] = int(year[1])
    if "size" not in found and "size" in run.memory.get("lacking", ()):
        numbers = [one[1] for one in _SIZE_ALONE.finditer(rest) if not _YEAR.fullmatch(one[1])]
        found |= {"size": int(numbers[0].replace(",", ""))} if numbers else {}
    kinds = reading.kinds(rest)
    return found | ({"kind": kinds[0]} if kinds and kinds[0] != "land" else {})


def _of_listing(one: Listing) -> dict[str, Any]:
    return {
        "address": one.address, "beds": one.beds, "baths": str(one.baths) if one.baths else None, "size": one.size,
        "year": one.year, "kind": one.kind, "latitude": one.latitude, "longitude": one.longitude,
    }  # fmt: skip


def _home(run: Run) -> Home:
    slots: Mapping[str, Any] = run.slots
    baths = Decimal(str(slots["baths"])) if slots.get("baths") else None
    return Home(
        str(slots["address"]), int(slots["beds"]), int(slots["size"]), float(slots["latitude"]), float(slots["longitude"]),
        str(slots.get("kind") or "house"), baths, slots.get("year"),
    )  # fmt: skip


def _same(sale: Listing, home: Home) -> bool:
    return sale.address.lower() == home.address.lower()


def _asking(run: Run, lacking: list[str]) -> Step:
    times = int(run.memory.get("times", 0)) + 1
    if times > ASKED_MOST:
        return Step(run.ended(RunState.DONE), (Said("value_person"),), for_person="valuation")
    asked = "address" if "address" in lacking else "facts"
    return Step(run.recalling(times=times, asked=asked, lacking=lacking), (_question(lacking),))


def _question(lacking: list[str]) -> Said:
    return Said("value_ask_address") if "address" in lacking else Said("value_ask", {"lacking": lacking})


def _told(run: Run, home: Home, found: Analysis, settings: HomeValueSettings) -> Step:
    rules = settings.rules
    facts: dict[str, Any] = {
        "address": home.address, "beds": home.beds, "size": home.size, "baths": str(home.baths or ""), "year": home.year,
        "radius": _plain(rules.radius), "months": rules.months, "count": len(found.comparables), "least": rules.least,
    }  # fmt: skip
    ended = run.ended(RunState.DONE, comparables=[one.sale.key for one in found.comparables])
    if found.middle is None or found.low is None or found.high is None:
        return Step(ended, (Said("value_few", facts),), for_person="valuation", sources=("listings",))
    facts |= {"sales": [_line(n, one) for n, one in enumerate(found.comparables, 1)]}
    facts |= {"low": _money(found.low), "middle": _money(found.middle), "high": _money(found.high)}
    each = {name: _money(value) for name, value in settings.adjust.model_dump().items() if value}
    said = (Said("value_sales", facts), Said("value_range", facts | {"each": each}))
    approve = "valuation" if settings.approve else ""
    return Step(ended, said, sources=("listings",), approve=approve)


def _line(n: int, one: Comparable) -> dict[str, Any]:
    assert one.sale.sold_price is not None
    return {
        "n": n, "address": one.sale.address, "miles": f"{one.miles:.1f}", "sold_on": one.sale.sold_on,
        "price": _money(one.sale.sold_price), "adjusted": _money(one.adjusted),
        "adjustments": [
            {"what": each.what, "more": _plain(abs(each.more)), "is_more": each.more > 0, "amount": _money(abs(each.amount))}
            for each in one.adjustments
        ],
    }  # fmt: skip


def _money(amount: Decimal) -> dict[str, str]:
    return {"amount": str(amount), "currency": CURRENCY}


def _plain(value: Decimal) -> str:
    shown = f"{value:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
