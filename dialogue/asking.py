"""What a schema still needs from the customer, how that is asked, and which question was just asked."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dialogue import words
from domain import completion, fields
from domain.completion import answered, askable, in_order
from domain.turn import Author, Line, SetField, Turn, UseSchema, Value
from domain.workspace import Field_

_TEMPLATE = {"multi_choice": "ask_choice"} | dict.fromkeys(
    ("integer", "decimal", "percent", "rating"), "ask_number"
)

_BARE = frozenset({"boolean", "integer", "decimal", "rating"})


def context_of(turn: Turn) -> Mapping[str, Value]:
    """The context as it will be when this turn's effects are written."""
    new: dict[str, Value] = {}
    for effect in turn.effects:
        if isinstance(effect, SetField):
            new[effect.name] = Value(effect.value, "ai", effect.confidence)
        elif isinstance(effect, UseSchema):
            new = {name: value for name, value in new.items() if name not in effect.left}
    return {**turn.context, **new}


def missing(turn: Turn) -> Field_ | None:
    """The next required field that counts, whose own requirements are met and which has no complete value."""
    if not turn.profile.schemas:
        return None
    schema, values = turn.profile.schemas[0], values_of(turn)
    lacking = [f for f in turn.profile.fields if f.required and not answered(f, values.get(f.name))]
    lacking = in_order(schema, lacking, values, turn.now)
    readable = {field.name for field in turn.profile.fields}
    return next((f for f in askable(schema, lacking, values, turn.now) if f.name in readable), None)


def values_of(turn: Turn) -> dict[str, Any]:
    return {name: value.value for name, value in context_of(turn).items()}


def hidden(turn: Turn) -> frozenset[str]:
    """Fields that do not count as things stand."""
    schemas = turn.profile.schemas
    return completion.hidden(schemas[0], values_of(turn), turn.now) if schemas else frozenset()


def complete(field: Field_, value: Value | None) -> bool:
    """A datetime of which only the day or only the time was said is not."""
    return value is not None and answered(field, value.value)


def question(field: Field_, language: str, turn: Turn, value: Value | None) -> str:
    """How the assistant asks for a field: by its description if that is a question. `value` is what is known so
    far. A description is in the workspace's first language; in another one it is left out."""
    key = _TEMPLATE.get(field.type, f"ask_{field.type}")
    if field.type == "datetime" and value is not None and not complete(field, value):
        key = "ask_datetime_day" if ":" in str(value.value) else "ask_datetime_time"
    at_home = language == turn.profile.assistant.languages[0]
    if at_home and _asks(field) and not key.startswith("ask_datetime_"):
        return field.description
    return words.say(
        key if key in words.templates(language) else "ask_text",
        language,
        turn.profile.assistant.personality,
        label=label(field) if at_home else "",
        options=_either(field.options, language),
        day=show(field, value.value, language, turn.now) if key == "ask_datetime_time" and value else "",
    )


def _asks(field: Field_) -> bool:
    """Its description is a question; words that explain it may follow."""
    return bool(re.search(r"\?(?:\s|$)", field.description))


def asked(turn: Turn) -> Field_ | None:
    """The field that our last message asked for."""
    last = last_of_ours(turn)
    if last is None:
        return None
    for field in turn.profile.fields:
        for language in words.LANGUAGES:
            if question(field, language, turn, turn.context.get(field.name)) in last.text:
                return field
    return None


def last_of_ours(turn: Turn) -> Line | None:
    ours = (line for line in reversed(turn.history) if line.author in (Author.AI, Author.HUMAN))
    return next(ours, None)


def label(field: Field_) -> str:
    described = field.description and not _asks(field)
    return field.description if described else field.name.replace("_", " ")


def summary(turn: Turn, language: str) -> str:
    """What we have, as one reads it back."""
    context, gone = context_of(turn), hidden(turn)
    filled = [
        f
        for f in turn.profile.fields
        if f.name in context and f.name not in gone and context[f.name].value not in (None, "", [])
    ]
    return ", ".join(_read_back(f, context[f.name].value, language, turn) for f in filled)


def _read_back(field: Field_, value: Any, language: str, turn: Turn) -> str:
    """A bare "2" or "yes" says nothing: it gets its field's name, which is better in another language than not at all."""
    shown = show(field, value, language, turn.now)
    return f"{field.name.replace('_', ' ')}: {shown}" if field.type in _BARE else shown


def show(field: Field_, value: Any, language: str, now: datetime) -> str:
    """A stored value in the customer's language and notation."""
    return fields.show(value, field, fields.Here(now, language))


def _either(options: tuple[str, ...], language: str) -> str:
    shown = [option.replace("_", " ") for option in options]
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {words.say('or', language, '')} {shown[-1]}"
