"""One reader a field type: what a message says that could fill such a field. Values come out ready for JSON:
ISO dates and times, money as {amount, currency}, durations in seconds."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from rapidfuzz import fuzz

from dialogue.understand.concepts import plain
from domain.entities import DateRange, Entity, Kind, Money, MoneyRange, TimeRange
from domain.workspace import Field_

ALIKE = 84
"""Of 100: how much a misspelt word must look like an option. "clening" is 93 to "cleaning"."""
SHORT = 4
"""Words up to this length must be spelt right: "oil" is not "ail"."""
_NEGATED = re.compile(
    r"\b(?:not|isn't|instead of|rather than|except|en vez de|en lugar de|menos)\s+(?:\w+\s){0,2}$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Found:
    value: Any
    confidence: float
    words: str
    start: int


@dataclass(frozen=True, slots=True)
class Said:
    """What a reader may look at."""

    text: str
    entities: Sequence[Entity]
    now: datetime
    asked: bool
    """Our last message asked for this very field."""
    intent: str
    known: Any = None
    """The field's present value: the day of "Tuesday" stays when "at 3" comes after it."""


Reader = Callable[[Field_, Said], list[Found]]


def read(field: Field_, said: Said) -> Found | None:
    """The value that the message gives the field; of several, the one said last and not denied is meant when
    it corrects, the first otherwise."""
    found = [f for f in READERS[field.type](field, said) if not negated(said.text, f.start)]
    if not found:
        return None
    chosen = found[-1] if _corrects(said.text) else found[0]
    return chosen if len(found) == 1 or field.type == "multi_choice" else _less_sure(chosen)


def negated(text: str, start: int) -> bool:
    return bool(_NEGATED.search(text[:start]))


def _corrects(text: str) -> bool:
    return bool(
        re.search(r"\b(?:meant|mean|actually|sorry|instead|quise decir|mejor|perd[oó]n)\b", text, re.I)
    )


def _less_sure(found: Found) -> Found:
    return Found(found.value, round(found.confidence * 0.7, 2), found.words, found.start)


def _of(said: Said, *kinds: Kind) -> list[Entity]:
    return [
        entity for entity in said.entities if entity.kind in kinds and not negated(said.text, entity.start)
    ]


def _found(entity: Entity, value: Any, confidence: float = 0.95) -> Found:
    return Found(value, confidence, entity.text, entity.start)


def _dates(said: Said) -> list[tuple[date, Entity]]:
    days: list[tuple[date, Entity]] = []
    for entity in _of(said, Kind.DATE, Kind.DATETIME, Kind.TIME_RANGE):
        match entity.value:
            case datetime():
                days.append((entity.value.date(), entity))
            case date():
                days.append((entity.value, entity))
            case TimeRange(on=day) if day is not None:
                days.append((day, entity))
    return days


def _date(field: Field_, said: Said) -> list[Found]:
    return [_found(entity, day.isoformat()) for day, entity in _dates(said)]


def _clock(field: Field_, said: Said) -> list[Found]:
    times = [(e, e.value) for e in _of(said, Kind.TIME, Kind.DATETIME)]
    return [
        _found(e, (v.time() if isinstance(v, datetime) else v).isoformat("minutes"))
        for e, v in times
        if isinstance(v, datetime | time)
    ]


def _moment(field: Field_, said: Said) -> list[Found]:
    """A whole moment if the message, or the message and what is known already, makes one; else the part."""
    whole = [
        _found(e, e.value.isoformat()) for e in _of(said, Kind.DATETIME) if isinstance(e.value, datetime)
    ]
    if whole:
        return whole
    days, times = _dates(said), _clock(field, said)
    if days and times:
        return [_joined(day.isoformat(), times[0].value, said, entity) for day, entity in days]
    if days:
        return [_joined(day.isoformat(), _time_of(said.known), said, entity) for day, entity in days]
    return [Found(_join(_day_of(said.known), f.value, said), f.confidence, f.words, f.start) for f in times]


def _joined(day: str, clock: str, said: Said, entity: Entity) -> Found:
    return _found(entity, _join(day, clock, said))


def _join(day: str, clock: str, said: Said) -> str:
    if not day or not clock:
        return day or clock
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), said.now.tzinfo).isoformat()


def _day_of(known: Any) -> str:
    head = str(known or "").partition("T")[0]
    return "" if ":" in head else head


def _time_of(known: Any) -> str:
    day, _, clock = str(known or "").partition("T")
    return clock[:5] if clock else (day if ":" in day else "")


def _date_range(field: Field_, said: Said) -> list[Found]:
    found = [
        _found(e, {"start": e.value.start.isoformat(), "end": e.value.end.isoformat()})
        for e in _of(said, Kind.DATE_RANGE)
        if isinstance(e.value, DateRange)
    ]
    return found or [_found(e, {"start": d.isoformat(), "end": d.isoformat()}, 0.8) for d, e in _dates(said)]


def _duration(field: Field_, said: Said) -> list[Found]:
    spans = _of(said, Kind.DURATION)
    return [_found(e, int(e.value.total_seconds())) for e in spans if isinstance(e.value, timedelta)]


def _money(field: Field_, said: Said) -> list[Found]:
    found: list[Found] = []
    for entity in _of(said, Kind.MONEY, Kind.MONEY_RANGE):
        match entity.value:
            case Money(amount, currency):
                found.append(_found(entity, {"amount": str(amount), "currency": currency}))
            case MoneyRange(_, high):
                found.append(_found(entity, {"amount": str(high.amount), "currency": high.currency}, 0.8))
    if found or not (said.asked or _cued(field, said)):
        return found
    return [_found(e, {"amount": str(e.value), "currency": "USD"}, 0.8) for e in _of(said, Kind.NUMBER)]


def _cued(field: Field_, said: Said) -> bool:
    """A bare number belongs to the field whose name or synonym is said with it: "2 bedrooms"."""
    cues = {field.name, *field.name.split("_"), *(s for words in field.synonyms.values() for s in words)}
    said_words = re.findall(r"\w+", plain(said.text.lower()))
    return any(_singular(plain(cue.lower())) in map(_singular, said_words) for cue in cues if len(cue) > 2)


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def _number(whole: bool) -> Reader:
    def read_number(field: Field_, said: Said) -> list[Found]:
        if not (said.asked or _cued(field, said)):
            return []
        numbers = [e for e in _of(said, Kind.NUMBER) if isinstance(e.value, Decimal)]
        if whole:
            return [_found(e, int(e.value), 0.85) for e in numbers if e.value == int(Decimal(str(e.value)))]  # type: ignore[arg-type,unused-ignore]
        return [_found(e, str(e.value), 0.85) for e in numbers]

    return read_number


def _as_said(kind: Kind) -> Reader:
    return lambda field, said: [_found(entity, str(entity.value)) for entity in _of(said, kind)]


def _person_name(field: Field_, said: Said) -> list[Found]:
    names = [_found(entity, str(entity.value), 0.9) for entity in _of(said, Kind.NAME)]
    if names or not said.asked or said.intent not in ("unknown", "give_information", "ask_knowledge"):
        return names
    words = said.text.strip(" .!,\n")
    if 1 <= len(words.split()) <= 4 and all(word.strip(".'-").isalpha() for word in words.split()):
        return [Found(words.title() if words.islower() else words, 0.8, words, 0)]
    return []


def _boolean(field: Field_, said: Said) -> list[Found]:
    if not said.asked or said.intent not in ("affirm", "deny"):
        return []
    return [Found(said.intent == "affirm", 0.95, said.text, 0)]


def _text(field: Field_, said: Said) -> list[Found]:
    """Free words are taken only as the answer to our question."""
    if not said.asked or said.intent not in ("unknown", "give_information", "affirm", "deny"):
        return []
    return [Found(said.text.strip()[:500], 0.75, said.text.strip()[:500], 0)]


def _url(field: Field_, said: Said) -> list[Found]:
    return [Found(m[0].rstrip(".,)"), 0.95, m[0], m.start()) for m in re.finditer(r"https?://\S+", said.text)]


def _choice(field: Field_, said: Said) -> list[Found]:
    """The options whose name or synonym is in the message, also misspelt, in the order they were said."""
    found: dict[str, Found] = {}
    for option in field.options:
        for name in (option, *field.synonyms.get(option, ())):
            hit = _mention(name.replace("_", " "), said.text)
            if (
                hit
                and not negated(said.text, hit[1])
                and hit[2] > getattr(found.get(option), "confidence", 0)
            ):
                found[option] = Found(option, hit[2], hit[0], hit[1])
    return sorted(found.values(), key=lambda f: (f.start, -len(f.words)))


def _mention(name: str, text: str) -> tuple[str, int, float] | None:
    """The words of the text that are, or look like, the name; where; how surely."""
    wanted, tokens = plain(name.lower()), list(re.finditer(r"[\w'&+-]+", text[:2000]))
    size = len(wanted.split())
    best: tuple[str, int, float] | None = None
    for place in range(len(tokens) - size + 1):
        words = text[tokens[place].start() : tokens[place + size - 1].end()]
        alike = _alike(wanted, plain(words.lower()))
        if alike and (best is None or alike > best[2]):
            best = (words, tokens[place].start(), alike)
    return best


def _alike(wanted: str, said: str) -> float:
    if wanted == said or _singular(wanted) == _singular(said):
        return 0.97
    if wanted[:1] != said[:1]:
        return 0.0  # "killing" is no slip of the thumb for "filling"
    ratio = fuzz.ratio(wanted, said)
    return round(ratio / 100 * 0.95, 2) if ratio >= ALIKE and min(len(wanted), len(said)) > SHORT else 0.0


def _multi_choice(field: Field_, said: Said) -> list[Found]:
    found = _choice(field, said)
    if not found:
        return []
    first = found[0]
    return [Found([f.value for f in found], min(f.confidence for f in found), first.words, first.start)]


READERS: dict[str, Reader] = {
    "text": _text, "long_text": _text, "reference": _text, "address": _text, "url": _url,
    "choice": _choice, "multi_choice": _multi_choice, "tags": lambda field, said: [],
    "boolean": _boolean, "integer": _number(True), "rating": _number(True), "decimal": _number(False),
    "percent": _number(False), "money": _money, "date": _date, "time": _clock, "datetime": _moment,
    "date_range": _date_range, "duration": _duration, "phone": _as_said(Kind.PHONE),
    "email": _as_said(Kind.EMAIL), "person_name": _person_name, "file": lambda field, said: [],
}  # fmt: skip
DATED = frozenset({"date", "time", "datetime", "date_range", "duration"})
