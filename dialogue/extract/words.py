"""Places, names and other open words, one kind after another: what one has read is no other's."""

from collections.abc import Sequence

from dialogue.extract.about import without
from dialogue.extract.answers import answers
from dialogue.extract.cues import Signs
from dialogue.extract.fitting import dealt
from dialogue.extract.heard import Found, Heard, How
from dialogue.extract.names import offered, own_name, titled
from dialogue.extract.places import small_places, ways
from dialogue.extract.polarity import negated
from dialogue.extract.sorts import ratings, sorts
from dialogue.extract.spans import MASK, spans
from domain.entities import Kind
from domain.fields import FieldType

OPEN = frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.PERSON_NAME, FieldType.ADDRESS})
_MASKED = frozenset(set(Kind) - {Kind.NUMBER, Kind.NAME})


def read(heard: Heard, signs: dict[str, Signs], taken: Sequence[Found]) -> list[Found]:
    fields = [f for f in heard.fields if f.type in OPEN]
    if not fields:
        return []
    masked, loosely = (
        _masked(heard, taken),
        _masked(heard, [one for one in taken if one.how is not How.MEANT]),
    )
    found: dict[str, Found] = {}
    for one in (*own_name(heard, fields, signs), *ratings(heard, fields, signs)):
        found.setdefault(one.name, one)
    for one in titled(heard, [f for f in fields if f.name not in found], signs, masked):
        found[one.name] = one
    masked = without(masked, found.values())
    for one in ways(heard, [f for f in fields if f.name not in found], signs, masked):
        found[one.name] = one
    masked = without(masked, found.values())
    for one in offered(heard, [f for f in fields if f.name not in found], signs, masked):
        found[one.name] = one
    masked = without(masked, found.values())
    said = [s for s in spans(heard.text, masked) if not negated(heard.text, s.start)]
    for one in dealt(heard, [f for f in fields if f.name not in found], signs, said):
        found[one.name] = one
    left = [f for f in fields if f.name not in found and f.name in heard.asked]
    for one in small_places(heard, left, signs, without(masked, found.values())):
        found[one.name] = one
    for one in sorts(heard, [f for f in fields if f.name not in found], signs, loosely, list(found.values())):
        found[one.name] = one
    asked = [f for f in fields if f.name in heard.asked and f.name not in found]
    for one in answers(heard, asked, signs, without(masked, found.values())):
        found[one.name] = one
    return list(found.values())


def _masked(heard: Heard, taken: Sequence[Found]) -> str:
    """The text without what other fields have read; as long as before."""
    chars = list(heard.text)
    spans = [(e.start, e.end) for e in heard.entities if e.kind in _MASKED]
    types = {f.name: f.type for f in heard.fields}
    spans += [
        (one.start, one.end)
        for one in taken
        if types[one.name] is not FieldType.BOOLEAN and one.words != heard.text.strip()
    ]
    for start, end in spans:
        chars[start:end] = MASK * (end - start)
    return "".join(chars)
