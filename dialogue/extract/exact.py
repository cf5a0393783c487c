"""What is known by its form: telephone numbers, e-mail and web addresses, reference numbers."""

import re
from collections.abc import Iterator

from dialogue.extract.cues import Signs, after, before, fit
from dialogue.extract.heard import Found, Heard
from domain.entities import Kind
from domain.fields import Complaint, Field_, FieldType, parse
from domain.fields.reference import REFERENCE
from domain.fields.reference import value_of as reference
from domain.fields.url import URL
from domain.fields.url import value_of as url

Span = tuple[object, str, int]


def read(heard: Heard, signs: dict[str, Signs]) -> Iterator[Found]:
    for type, spans in (
        (FieldType.PHONE, _entities(heard, Kind.PHONE)),
        (FieldType.EMAIL, _entities(heard, Kind.EMAIL)),
        (FieldType.URL, _links(heard)),
    ):
        yield from _dealt(heard, [f for f in heard.fields if f.type is type], spans, signs)
    for field in (f for f in heard.fields if f.type is FieldType.REFERENCE):
        yield from _reference(heard, field, signs[field.name])


def _entities(heard: Heard, kind: Kind) -> list[Span]:
    return [(e.value, e.text, e.start) for e in heard.entities if e.kind is kind]


def _links(heard: Heard) -> list[Span]:
    return [(url(m[0]), m[0], m.start()) for m in URL.finditer(heard.text)]


def _dealt(heard: Heard, fields: list[Field_], spans: list[Span], signs: dict[str, Signs]) -> Iterator[Found]:
    """Each to the field whose words stand beside it, the asked one first."""
    left = list(fields)
    for value, words, start in spans:
        if not left:
            return
        best = max(
            left,
            key=lambda f: (
                3 * (f.name in heard.asked)
                + fit(signs[f.name], before(heard.text, start))
                + fit(signs[f.name], after(heard.text, start + len(words)))
            ),
        )
        left.remove(best)
        yield Found(best.name, value, 0.95, words, start)


def _reference(heard: Heard, field: Field_, signs: Signs) -> Iterator[Found]:
    """A number that the field's words introduce, or the answer to our question; never any number."""
    taken = [(e.start, e.end) for e in heard.entities if e.kind is not Kind.NUMBER]
    for m in REFERENCE.finditer(heard.text):
        if any(m.start() < end and start < m.end() for start, end in taken):
            continue
        told = fit(signs, before(heard.text, m.start(), 40)) >= 1
        fits = bool(field.pattern and re.fullmatch(field.pattern, reference(m[0])))
        if (told or fits or field.name in heard.asked) and not isinstance(
            parse(m[0], field, heard.here), Complaint
        ):
            yield Found(field.name, reference(m[0]), 0.9 if told or fits else 0.8, m[0], m.start())
            return
