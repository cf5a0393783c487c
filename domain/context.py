"""What a conversation keeps when it goes to another schema. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.fields import Complaint, Here, accept
from domain.turn import Value
from domain.workspace import Field_, Schema


@dataclass(frozen=True, slots=True)
class Move:
    """From one schema to another. `left` are the fields that are in the context no more; `back` those that this schema
    had when it was left, and has again; `values` is the context as it is then."""

    left: tuple[str, ...]
    back: tuple[str, ...]
    values: Mapping[str, Value]


def move(
    before: Schema, after: Schema, values: Mapping[str, Value], put_by: Mapping[str, Value], here: Here
) -> Move:
    """A value stays when both schemas have a field of this name and type, and the new one takes it. What leaves stays
    in the history. `put_by` are the values with which the new schema was left before, if it was."""
    shared = {name: value for name, value in values.items() if _is_shared(name, value, before, after, here)}
    fields = {field.name: field for field in after.fields}
    back = {
        name: value
        for name, value in put_by.items()
        if name in fields and name not in shared and takes(fields[name], value, here)
    }
    left = [field.name for field in before.fields if field.name in values and field.name not in shared]
    left += [
        field.name for field in before.fields if field.name not in values and _differs(field, fields)
    ]  # set meanwhile
    return Move(tuple(left), tuple(back), {**shared, **back})


def takes(field: Field_, value: Value, here: Here) -> bool:
    """As it stands: a value that the field would read as another one is not the same value."""
    read = accept(value.value, field, here)
    return not isinstance(read, Complaint) and read == value.value


def _is_shared(name: str, value: Value, before: Schema, after: Schema, here: Here) -> bool:
    old = next((field for field in before.fields if field.name == name), None)
    new = next((field for field in after.fields if field.name == name), None)
    if old is None:  # no field of any schema: a rule or an older version of the file wrote it
        return new is None or takes(new, value, here)
    return new is not None and new.type == old.type and takes(new, value, here)


def _differs(field: Field_, fields: Mapping[str, Field_]) -> bool:
    return field.name not in fields or fields[field.name].type != field.type
