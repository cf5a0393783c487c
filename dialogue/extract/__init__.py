"""What a message says, put into the fields of any schema: each value with its words and how sure it is."""

from dataclasses import replace

from dialogue.extract import amounts, calendar, choices, exact, flags, words
from dialogue.extract.cues import signs
from dialogue.extract.heard import Found, Heard, How
from dialogue.extract.polarity import negated
from dialogue.extract.spans import addresses
from domain.entities import Entity
from domain.fields import Complaint, Field_, FieldType, parse

LIMIT = 2_000
"""Characters of a message that are looked at, as `domain.entities` does."""

__all__ = ["Found", "Heard", "How", "extract"]


def extract(heard: Heard) -> list[Found]:
    """At most one value a field, in the order of the schema. Nothing that the message does not say; `known`
    completes a day with its time and is otherwise not looked at."""
    whole, heard = heard.text, replace(heard, text=heard.text[:LIMIT], last=heard.last[-LIMIT:])
    about, places = dict(signs(heard.fields)), list(addresses(heard.text))
    heard = replace(heard, entities=tuple(e for e in heard.entities if _meant(e, heard.text, places)))
    found = [*calendar.read(heard, about), *amounts.read(heard, about), *exact.read(heard, about)]
    found += choices.read(heard, about)
    found += flags.read(heard, about)
    found += words.read(heard, about, found)
    by_name = {one.name: one for one in reversed(found)}
    return [_unabridged(by_name[f.name], f, whole, heard) for f in heard.fields if f.name in by_name]


def _unabridged(found: Found, field: Field_, whole: str, heard: Heard) -> Found:
    """A long text is kept as long as it is."""
    if field.type is not FieldType.LONG_TEXT or len(whole) <= LIMIT:
        return found
    words = whole.strip()
    value = parse(words, field, heard.here)
    return (
        found
        if isinstance(value, Complaint)
        else replace(found, value=value, words=words, start=whole.index(words))
    )


def _meant(entity: Entity, text: str, places: list[tuple[int, int]]) -> bool:
    """A house number counts nothing, and what is denied is not wanted."""
    outside = all(entity.end <= start or entity.start >= end for start, end in places)
    return outside and not negated(text, entity.start)
