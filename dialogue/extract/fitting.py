"""Words with capital letters, each to the field that it fits best: by what introduces them and what follows."""

import re
from collections.abc import Iterator, Sequence

from dialogue.extract.about import (
    CALLED,
    IN,
    NAMED,
    ORIGIN,
    PERSON,
    PLACE,
    RECIPIENT,
    SORT,
    SPOKEN_OR_EATEN,
    TARGET,
    TOWARD,
    is_own,
    nations,
)
from dialogue.extract.cues import Signs, before, fit, stems
from dialogue.extract.heard import Found, Heard
from dialogue.extract.places import with_state
from dialogue.extract.spans import Span
from domain.fields import Complaint, Field_, FieldType, parse
from domain.fields.options import plain


def dealt(heard: Heard, fields: list[Field_], signs: dict[str, Signs], said: list[Span]) -> Iterator[Found]:
    """Each span to the field that it fits best."""
    scored = []
    for n, span in enumerate(said):
        for m, f in enumerate(fields):
            score = _score(heard, f, signs[f.name], span, fields, signs)
            if score >= 2:
                first = len(span.text) / 100 - n / 1000 if f.name in heard.asked else -n
                scored.append((score, first, -m, f, span))
    used: set[int] = set()
    named: set[str] = set()
    for score, _, _, f, span in sorted(scored, key=lambda one: one[:3], reverse=True):
        words = with_state(heard.text, span) if PLACE.search(signs[f.name].words) else span.text
        value = parse(words, f, heard.here)
        if f.name in named or span.start in used or isinstance(value, Complaint):
            continue
        used.add(span.start)
        named.add(f.name)
        yield Found(f.name, value, 0.85 if score >= 3 else 0.75, words, span.start)


def _score(
    heard: Heard, field: Field_, signs: Signs, span: Span, fields: list[Field_], about: dict[str, Signs]
) -> float:
    if stems(span.text) and set(stems(span.text)) <= signs.all and not span.address:
        return -1.0  # "a Doctor", "the Hotel": the kind of thing, not its name
    if not SPOKEN_OR_EATEN.search(signs.words) and all(plain(one) in nations() for one in span.text.split()):
        return -1.0  # "a Korean restaurant" names no restaurant
    words, lead = signs.words, span.lead
    score = 2.0 * (field.name in heard.asked)
    place, named, person = PLACE.search(words), NAMED.search(words), PERSON.search(words)
    score += 0.8 * min(fit(signs, before(heard.text, span.start, 26)), 2)
    score += 0.8 * any(s in signs.all for one in span.tail[:1] for s in stems(one))
    if field.type is FieldType.ADDRESS or (span.address and place):
        score += 3 if span.address else -1
        return score + 1.0 * bool(re.search(r"destination|address", words)) + _toward(words, lead)
    if span.address:
        return -1.0
    if place and not named:
        return score + _as_place(field, words, span, fields, about)
    if lead in _BESIDE and is_own(field, words):
        return -1.0  # "with Rosa": somebody else
    if field.type is FieldType.PERSON_NAME or (person and named):
        return score + max(
            _as_person(words, span), 2.2 * (lead in CALLED and not _HUMAN_TAIL.intersection(span.tail))
        )
    if named:
        return score + _as_name(field, lead, span, signs, place=bool(place))
    return score - (lead in IN) * 1.5


_HUMAN_TAIL = frozenset({"here", "speaking"})


def _toward(words: str, lead: str) -> float:
    origin, target = bool(ORIGIN.search(words)), bool(TARGET.search(words))
    if lead in ("from", "desde"):
        return 1.0 * origin - 2.0 * (target and not origin)
    return 1.0 * (target and lead in TOWARD) - 2.0 * (origin and not target and lead in TOWARD)


def _as_place(
    field: Field_, words: str, span: Span, fields: Sequence[Field_], about: dict[str, Signs]
) -> float:
    lead, name = span.lead, field.name.replace("_", " ")
    origin, target = bool(ORIGIN.search(f"{name} {words}")), bool(TARGET.search(f"{name} {words}"))
    from_here = any(ORIGIN.search(about[f.name].words) for f in fields if f is not field)
    named_too = any(f.type is FieldType.TEXT and NAMED.search(about[f.name].words) for f in fields)
    city = 0.3 * bool(re.search(r"\b(?:city|town|ciudad)\b", words))
    if SORT.search(" ".join(span.tail[:1])) or _TITLED.match(span.text):
        return -1.0
    if lead in ("from", "desde"):
        return city + (2.2 if origin else -1.0 if target else 0.5 if from_here else 2.0)
    if lead in IN:
        return city + 2.2
    if lead in TOWARD:
        return city + (
            2.2 if target and not origin else -1.0 if origin and not target else 2.0 - 0.8 * (lead == "for")
        )
    if lead in ("at", "of"):
        return 0.8 - city if city or lead == "of" or named_too else 2.0
    return 0.3 if lead not in CALLED and lead not in ("with", "by", "see") else -0.5


def _as_person(words: str, span: Span) -> float:
    titled = _TITLED.match(span.text) or re.search(r"\b(?:M\.?D|DDS|DMD)\b", span.text)
    owner = "'s" in span.tail or "account" in span.tail
    gets = bool(RECIPIENT.search(words))
    score = 2.2 * bool(titled) + 1.6 * owner * gets - 2 * (span.lead in IN)
    if span.lead in _BESIDE:
        return score + 2.0
    if span.lead in ("to", "of", "for"):
        return score + (2.2 if gets else 1.0)
    return score


_BESIDE = frozenset({"with", "see", "con", "by"})
_TITLED = re.compile(r"(?:Dr|Mr|Mrs|Ms|Prof|Doctor|Sr|Sra|Dra|[Uu]ncle|[Aa]unt)\b")


def _as_name(field: Field_, lead: str, span: Span, signs: Signs, *, place: bool) -> float:
    said = {s for one in (*span.tail[:1], span.text) for s in stems(one)}
    whose = 1.4 * bool(said & (signs.own | set(stems(field.name))))
    if lead in CALLED:
        return 2.2 + whose
    if lead in ("at", "with", "by", "visit"):
        return 2.0 + whose
    if lead in IN or lead in ("from",):
        return (0.5 if place else -1.5) + whose
    return 0.4 + whose
