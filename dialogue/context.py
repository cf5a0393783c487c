"""What the customer said, put into the schema's fields with its words; never over a person's value."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dialogue.asking import asked, context_of, last_of_ours
from dialogue.extract import Found, Heard, How, extract
from dialogue.extract.counting import extract_counting
from dialogue.extract.polarity import corrects
from domain.entities import Kind
from domain.fields import Field_, FieldType, Here
from domain.turn import NameContact, SetField, SuggestField, Turn, Understanding, Value

TELLING = frozenset({"give_information", "book_appointment", "reschedule_appointment"})
"""Intents in which what is said is meant to be kept, and may replace what was kept before."""
ANSWERING = frozenset({"unknown", "give_information", "affirm", "deny"})
"""Intents of a message that may be nothing but the answer to our question."""
DATED = frozenset(
    {FieldType.DATE, FieldType.TIME, FieldType.DATETIME, FieldType.DATE_RANGE, FieldType.DURATION}
)
"""A day in a question ("are you open on Saturday?") is no wish for that day."""
ASIDE = 0.7
"""A service named in a question ("how much is whitening?") is probably the one meant, not surely."""


def fill_context(turn: Turn, wanted: frozenset[str] | None = None) -> Turn:
    """`wanted` names the fields that our last message asked for; None: they are read from that message."""
    understood = turn.understood
    if understood is None or understood.automatic:
        return turn
    if wanted is None:
        field = asked(turn)
        wanted = frozenset({field.name}) if field else frozenset()
    for found in _found(turn, heard(turn, understood, wanted)):
        turn = _taken(turn, understood, found, is_asked=found.name in wanted)
    return _with_name(turn, understood)


def _found(turn: Turn, heard: Heard) -> list[Found]:
    return extract_counting(heard, turn.profile.schemas[0]) if turn.profile.schemas else []


def heard(turn: Turn, understood: Understanding, wanted: frozenset[str]) -> Heard:
    last = last_of_ours(turn)
    return Heard(
        turn.text,
        turn.profile.fields,
        Here(turn.now, understood.language),
        understood.entities,
        wanted,
        last.text if last else "",
        {name: value.value for name, value in turn.context.items()},
    )


def read_fields(turn: Turn, fields: tuple[Field_, ...], wanted: str) -> Mapping[str, Any]:
    """Values of fields that are no schema's, as this burst says them; `wanted` names the one that was asked for."""
    if turn.understood is None or not fields:
        return {}
    asked_for = frozenset({wanted} if wanted else ())
    listening = replace(heard(turn, turn.understood, asked_for), fields=fields, known={})
    return {one.name: one.value for one in extract(listening)}


def _taken(turn: Turn, understood: Understanding, found: Found, *, is_asked: bool) -> Turn:
    field = next(f for f in turn.profile.fields if f.name == found.name)
    existing = turn.context.get(found.name)
    intents = {understood.intent, *(part.intent for part in understood.parts)}
    telling = is_asked or bool(TELLING & intents) or corrects(turn.text)
    if existing is not None and (existing.value == found.value or not telling):
        return turn
    if any(isinstance(e, SetField) and (e.name, e.value) == (found.name, found.value) for e in turn.effects):
        return turn  # read before another schema was chosen
    if field.type in DATED and not telling and understood.intent != "unknown":
        return turn
    if field.type is FieldType.BOOLEAN and not telling and understood.intent not in ANSWERING:
        return turn  # "is breakfast included?" does not order it
    if found.how is How.MEANT and not telling:
        return turn
    if found.how is How.ANSWERED and not _answers(field.type, understood):
        return turn
    sure = found.confidence if telling else min(found.confidence, ASIDE)
    if existing is not None and existing.source == "human":
        return _suggest(turn, found, sure, existing)
    return _keep(turn, found, sure, existing)


def _answers(type: FieldType, understood: Understanding) -> bool:
    named = type is FieldType.PERSON_NAME and understood.intent == "ask_knowledge"
    return named or understood.intent in ANSWERING


def _keep(turn: Turn, found: Found, sure: float, before: Value | None) -> Turn:
    seq = _line_of(turn, found)
    effect = SetField(found.name, found.value, sure, seq, found.words)
    was = f" instead of {before.value}" if before is not None else ""
    note = f'Took {found.name} = {found.value}{was} from "{found.words}" (confidence {sure:.2f}).'
    return turn.doing(effect).noting(note)


def _suggest(turn: Turn, found: Found, sure: float, before: Value) -> Turn:
    effect = SuggestField(found.name, found.value, sure, _line_of(turn, found), found.words)
    note = f'Suggests {found.name} = {found.value} from "{found.words}"; a person set {before.value}, which stays.'
    return turn.doing(effect).noting(note)


def _line_of(turn: Turn, found: Found) -> int:
    """The message of the burst that holds the words; `found.start` counts in the burst as one text."""
    end = 0
    for line in (line for line in turn.burst if line.text.strip()):
        end += len(line.text) + 1
        if found.start < end:
            return line.seq
    return turn.base_seq


def _with_name(turn: Turn, understood: Understanding) -> Turn:
    """A name that was said is also the contact's, whether or not the schema has a field for it."""
    fields = {field.name for field in turn.profile.fields if field.type is FieldType.PERSON_NAME}
    kept = [
        str(value.value)
        for name, value in context_of(turn).items()
        if name in fields and value.source == "ai"
    ]
    said = [str(entity.value) for entity in understood.entities if entity.kind is Kind.NAME]
    name = next(iter([*kept, *said]), None)
    if name is None or name == turn.conversation.contact_name or NameContact(name) in turn.effects:
        return turn
    return turn.doing(NameContact(name)).noting(f"The customer's name is {name}.")
