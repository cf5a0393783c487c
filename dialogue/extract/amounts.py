"""Counted things, sums of money, shares and ratings, each to the field it is said for."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from dialogue.extract.cues import Signs, after, before, fit, stems
from dialogue.extract.heard import Found, Heard
from dialogue.extract.polarity import corrects
from domain.entities import Entity, Kind
from domain.fields import Complaint, Field_, FieldType, accept
from domain.fields.money import value_of
from domain.fields.numbers import written
from domain.fields.options import tokens

MOST = 20
"""Numbers of a message that are looked at."""
COUNTS = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.PERCENT, FieldType.RATING})
_PEOPLE = re.compile(
    r"\b(?:guests?|people|persons?|adults?|passengers?|riders?|travell?ers?|party|group|diners?|attendees|seats?"
    r"|tickets?"
    r"|size|participants?|personas|pasajeros|comensales)\b"
)
_ALONE = re.compile(
    r"\b(?:(?:just|only)(?: gonna be| going to be)? (?:for )?(?:me|myself)\b(?! and)|by myself|for myself\b(?! and)|alone"
    r"|(?:a )?single (?:person|ticket|seat|adult|passenger)"
    r"|solo yo|para mi solo|para uno)\b",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"\b(?:(?:me and my|my|i and my) (?:wife|husband|friend|partner|girlfriend|boyfriend|mom|mother|dad|father"
    r"|son|daughter"
    r"|sister|brother|spouse)(?: and (?:i|me|myself))|me and my (?:wife|husband|friend|partner|girlfriend"
    r"|boyfriend|mom|mother"
    r"|dad|father|son|daughter|sister|brother|spouse)|(?:the )?(?:both|two) of us|a couple\b(?! of))\b",
    re.IGNORECASE,
)
_ONE_THING = re.compile(
    r"\b(?:a|an|un|una|single|another) (?:single |extra )?(?P<thing>[^\W\d_]{3,})", re.IGNORECASE
)
_FOR_SO_MANY = re.compile(
    r"\b(?:for|para|of|somos|us|be|with|table|party|group)\W+(?:the |a |group of |party of )?$", re.I
)
_CHANGES = re.compile(
    r"\b(?:actually|instead|change|make (?:it|that)|meant|mean|rather|no|nope|sorry|wait|update|correct|mejor"
    r"|cambi\w+)\b",
    re.I,
)
_OF_US = re.compile(r" ?(?:of us|de nosotros)\b", re.I)
_CUT = re.compile(
    r"(?:^|[ ,])(?:to|in|on|at|for|with|that|and|or|from|then|there|by|is|are|will|would|if|when|because|near"
    r"|this|next|please|thanks"
    r"|going|good|fine|would|as|not|instead|only|now|today|tomorrow|en|para|con|que|y|por)\b|[,;:()]",
    re.IGNORECASE,
)
_OF_NAME = re.compile(r"(?:#|no\. ?|apt\.? ?|suite |unit |room |highway |route |flight )$", re.I)
_UNITS = {"day": 86_400, "night": 86_400, "dia": 86_400, "noche": 86_400, "week": 604_800, "semana": 604_800}
_UNITS |= {"hour": 3_600, "hora": 3_600, "hr": 3_600, "minute": 60, "minuto": 60, "min": 60}
_UNITS |= {"month": 2_592_000, "mes": 2_592_000, "year": 31_536_000, "ano": 31_536_000}


@dataclass(frozen=True, slots=True)
class Count:
    value: Decimal
    text: str
    start: int
    seconds: int = 0
    """Its length when it counts days or hours."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def read(heard: Heard, signs: dict[str, Signs]) -> list[Found]:
    found = _sums(heard, signs)
    taken = {(one.start, one.end) for one in found}
    counts = [one for one in islice(_counts(heard), MOST) if (one.start, one.end) not in taken]
    return found + _counted(heard, signs, counts)


def _sums(heard: Heard, signs: dict[str, Signs]) -> list[Found]:
    fields = [f for f in heard.fields if f.type is FieldType.MONEY]
    said = [e for e in heard.entities if e.kind in (Kind.MONEY, Kind.MONEY_RANGE)]
    sure: dict[str, tuple[float, Found]] = {}
    for field in fields:
        candidates: list[tuple[Any, Entity, float]] = [(value_of(e.value), e, 0.95) for e in said]
        wanted = field.name in heard.asked
        bare = [] if said else [e for e in heard.entities if e.kind is Kind.NUMBER]
        candidates += [
            (accept(float(str(e.value)), field, heard.here), e, 0.8)
            for e in bare
            if wanted or _like_a_sum(heard, signs[field.name], e)
        ]
        for value, e, confidence in candidates:
            score = _near(heard, signs[field.name], e.start, e.end) + 3 * wanted
            if not isinstance(value, Complaint) and (field.name not in sure or score > sure[field.name][0]):
                sure[field.name] = score, Found(field.name, value, confidence, e.text, e.start)
    best: dict[int, str] = {}
    for name, (score, one) in sure.items():
        if one.start not in best or score > sure[best[one.start]][0]:
            best[one.start] = name
    return [sure[name][1] for name in best.values()]


def _like_a_sum(heard: Heard, signs: Signs, number: Entity) -> bool:
    """ "My budget is 1500": introduced by the field's own words, and no handful."""
    return fit(signs, before(heard.text, number.start)) >= 1 and Decimal(str(number.value)) >= 20


def _near(heard: Heard, signs: Signs, start: int, end: int) -> float:
    return fit(signs, before(heard.text, start)) + 1.2 * fit(signs, after(heard.text, end))


def _counts(heard: Heard) -> Iterator[Count]:
    for e in heard.entities:
        if e.kind is Kind.NUMBER and isinstance(e.value, Decimal):
            if not _OF_NAME.search(heard.text[: e.start]):
                yield Count(e.value, e.text, e.start)
        elif e.kind is Kind.DURATION and isinstance(e.value, timedelta):
            seconds = round(e.value.total_seconds())
            unit = _unit(token.word for token in tokens(e.text))
            if unit and seconds % unit == 0:
                yield Count(Decimal(seconds // unit), e.text, e.start, seconds)


def _counted(heard: Heard, signs: dict[str, Signs], counts: list[Count]) -> list[Found]:
    fields = [f for f in heard.fields if f.type in COUNTS]
    scored, late = [], corrects(heard.text)
    for n, count in enumerate(counts):
        for f in fields:
            value = _valued(count, f, signs[f.name], heard)
            score = _score(heard, f, signs, count, counts)
            if not isinstance(value, Complaint) and score > 0:
                scored.append((score, n if late else -n, f.name, value, count))
    found: dict[str, Found] = {}
    used: set[int] = set()
    for score, n, name, value, count in sorted(scored, key=lambda one: one[:2], reverse=True):
        if name not in found and n not in used:
            used.add(n)
            found[name] = Found(name, value, 0.9 if score >= 2 else 0.75, count.text, count.start)
    return [*found.values(), *_unsaid(heard, signs, [f for f in fields if f.name not in found], used)]


def _unit(words: Iterable[str]) -> int:
    """Seconds of the unit of time that is named."""
    return next((_UNITS[word] for word in words if word in _UNITS), 0)


def _valued(count: Count, field: Field_, signs: Signs, heard: Heard) -> Any:
    if not count.seconds:
        return accept(written(count.value), field, heard.here)
    unit = _unit(token.word for token in tokens(signs.words))
    if not unit or field.type is not FieldType.INTEGER or count.seconds % unit:
        return Complaint("another_unit", "counts something else")
    return accept(count.seconds // unit, field, heard.here)


def _score(
    heard: Heard, field: Field_, about: Mapping[str, Signs], count: Count, counts: list[Count]
) -> float:
    """Above 0 only when something speaks for the field: the thing counted, the question, "for two"."""
    left, signs = before(heard.text, count.start, 24), about[field.name]
    score = 3.0 * (field.name in heard.asked)
    if count.seconds:
        return score + 2.5
    right = _things(heard, count, counts)
    score += _thing(signs, right) + 0.8 * fit(signs, " ".join(left.split()[-3:]))
    people = _PEOPLE.search(signs.words)
    if people and (_OF_US.match(heard.text[count.end :]) or (_FOR_SO_MANY.search(left) and not right)):
        score += 1.2
    if not score and not heard.asked and _CHANGES.search(heard.text) and not right:
        score += _spoken_of(heard, about) == [field.name]
    return score


def _things(heard: Heard, count: Count, counts: list[Count]) -> tuple[str, ...]:
    """What is counted, as stems: up to the next little word. In "1 two star room" the 1 counts rooms."""
    right = _CUT.split(after(heard.text, count.end, 30), maxsplit=1)[0]
    inner = next((c for c in counts if count.end < c.start <= count.end + 2), None)
    said = stems(right)
    return said[1:] if inner else said


def _thing(signs: Signs, right: tuple[str, ...]) -> float:
    for place, one in enumerate(right[:3]):
        if one in signs.own:
            return 2.5 - 0.6 * place
        if one in signs.all:
            return 1.2 - 0.3 * place
    return 0.0


def _spoken_of(heard: Heard, about: Mapping[str, Signs]) -> list[str]:
    """ "Actually, make it 4": the number fields that our last message spoke of."""
    said = set(stems(heard.last))
    return [f.name for f in heard.fields if f.type in COUNTS and said & about[f.name].all]


def _unsaid(heard: Heard, signs: dict[str, Signs], fields: list[Field_], used: set[int]) -> Iterator[Found]:
    """Counts without a number: "just me", "me and my wife", "a room"."""
    for f in fields:
        if f.type is not FieldType.INTEGER:
            continue
        people = _PEOPLE.search(signs[f.name].words)
        for pattern, n in ((_ALONE, 1), (_PAIR, 2)):
            m = pattern.search(heard.text) if people else None
            if m and not isinstance(accept(n, f, heard.here), Complaint):
                yield Found(f.name, n, 0.8, m[0], m.start())
                break
        else:
            if f.name in heard.asked and (m := _one_of(heard, signs[f.name])):
                yield Found(f.name, 1, 0.75, m[0], m.start())


def _one_of(heard: Heard, signs: Signs) -> "re.Match[str] | None":
    return next((m for m in _ONE_THING.finditer(heard.text) if set(stems(m["thing"])) & signs.all), None)
