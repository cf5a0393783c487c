"""What the customer said, put into the schema's fields with its words; never over a person's value."""

import re

from dialogue.asking import asked, context_of
from dialogue.fields import DATED, Found, Said, read
from domain.entities import Entity, Kind
from domain.turn import NameContact, SetField, Turn, Understanding, Value
from domain.workspace import Field_

TELLING = frozenset({"give_information", "book_appointment", "reschedule_appointment"})
"""Intents in which what is said is meant to be kept, and may replace what was kept before."""
ASIDE = 0.7
"""A service named in a question ("how much is whitening?") is probably the one meant, not surely."""
_CORRECTION = re.compile(
    r"\b(?:mean|meant|actually|sorry|change (?:it|that)|quise decir|perd[oó]n|me equivoqu[eé])\b|^no\b",
    re.IGNORECASE,
)


def fill_context(turn: Turn) -> Turn:
    understood = turn.understood
    if understood is None or understood.automatic:
        return turn
    wanted = asked(turn)
    entities = list(understood.entities)
    for field in _in_order(turn.profile.fields, wanted):
        found = _reading(field, turn, understood, entities, is_asked=field is wanted)
        if found is None:
            continue
        entities = [e for e in entities if not _within(e, found)]
        turn = _keep(turn, field, found)
    return _with_name(turn, understood)


def _in_order(fields: tuple[Field_, ...], wanted: Field_ | None) -> list[Field_]:
    """The one that was asked for takes its pick first."""
    return sorted(fields, key=lambda field: field is not wanted)


def _reading(
    field: Field_, turn: Turn, understood: Understanding, entities: list[Entity], *, is_asked: bool
) -> Found | None:
    existing = turn.context.get(field.name)
    telling = is_asked or bool(TELLING & {understood.intent, *(part.intent for part in understood.parts)})
    corrects = bool(_CORRECTION.search(turn.text))
    if existing is not None and (existing.source == "human" or not (telling or corrects)):
        return None
    if field.type in DATED and not (telling or corrects or understood.intent == "unknown"):
        return None
    known = existing.value if existing else None
    found = read(field, Said(turn.text, entities, turn.now, is_asked, understood.intent, known))
    if found is None or (existing is not None and found.value == known):
        return None
    return (
        found
        if telling or corrects
        else Found(found.value, min(found.confidence, ASIDE), found.words, found.start)
    )


def _keep(turn: Turn, field: Field_, found: Found) -> Turn:
    seq = _line_of(turn, found)
    effect = SetField(field.name, found.value, found.confidence, seq, found.words)
    before: Value | None = turn.context.get(field.name)
    was = f" instead of {before.value}" if before is not None else ""
    note = f'Took {field.name} = {found.value}{was} from "{found.words}" (confidence {found.confidence:.2f}).'
    return turn.doing(effect).noting(note)


def _line_of(turn: Turn, found: Found) -> int:
    """The message of the burst that holds the words; `found.start` counts in the burst as one text."""
    end = 0
    for line in (line for line in turn.burst if line.text.strip()):
        end += len(line.text) + 1
        if found.start < end:
            return line.seq
    return turn.base_seq


def _within(entity: Entity, found: Found) -> bool:
    return found.start <= entity.start < found.start + len(found.words)


def _with_name(turn: Turn, understood: Understanding) -> Turn:
    """A name that was said is also the contact's, whether or not the schema has a field for it."""
    fields = {field.name for field in turn.profile.fields if field.type == "person_name"}
    kept = [
        str(value.value)
        for name, value in context_of(turn).items()
        if name in fields and value.source == "ai"
    ]
    said = [str(entity.value) for entity in understood.entities if entity.kind is Kind.NAME]
    name = next(iter([*kept, *said]), None)
    if name is None or name == turn.conversation.contact_name:
        return turn
    return turn.doing(NameContact(name)).noting(f"The customer's name is {name}.")
