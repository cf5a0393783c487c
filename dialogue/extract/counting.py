"""Extraction where some fields come and go with others: what a message tells decides which fields it can tell of. A field
that does not count now is filled only by words that name it."""

from dataclasses import replace
from typing import Any

from dialogue.extract import Found, Heard, How, extract
from dialogue.extract.cues import fit, signs
from domain.completion import hidden
from domain.fields import Field_, FieldType
from domain.workspace import Schema

_CHOICES = frozenset({FieldType.CHOICE, FieldType.MULTI_CHOICE})


def extract_counting(heard: Heard, schema: Schema) -> list[Found]:
    """As `extract`, of the fields of `heard` that count once the message is read, and of those that it names."""
    if not any(field.visible_when for field in schema.fields):
        return extract(heard)
    shown, found = frozenset[str](), list[Found]()
    while True:  # ends: each time round more fields count, or it is the last
        values: dict[str, Any] = {**heard.known, **{one.name: one.value for one in found}}
        gone = hidden(schema, values, heard.here.now)
        names = shown | {field.name for field in heard.fields if field.name not in gone}
        if names == shown:
            break
        shown, found = names, extract(replace(heard, fields=_named(heard, names)))
    named = {field.name for field in heard.fields if field.name not in shown and _is_named(field, heard)}
    return extract(replace(heard, fields=_named(heard, shown | named))) if named else found


def names(field: Field_, fields: tuple[Field_, ...], text: str) -> bool:
    """The text has a word of this field's own."""
    return fit(signs(fields)[field.name], text) >= 1


def _is_named(field: Field_, heard: Heard) -> bool:
    """By a word of its own, or by one of its options that no other field has."""
    if names(field, heard.fields, heard.text):
        return True
    others = {option for one in heard.fields if one is not field for option in one.options}
    if field.type not in _CHOICES or others & set(field.options):
        return False
    return any(one.how is How.SAID for one in extract(replace(heard, fields=(field,))))


def _named(heard: Heard, names: frozenset[str]) -> tuple[Field_, ...]:
    return tuple(field for field in heard.fields if field.name in names)
