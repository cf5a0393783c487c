"""Every field type: one file, one line here, one table of cases in tests/domain/fields."""

from collections.abc import Iterable
from typing import Any

from domain.fields import (
    address,
    boolean,
    choice,
    date,
    date_range,
    datetime,
    decimal,
    duration,
    email,
    file,
    integer,
    long_text,
    money,
    multi_choice,
    percent,
    person_name,
    phone,
    rating,
    reference,
    tags,
    text,
    time,
    url,
)
from domain.fields.base import Complaint, Here, Kind, validate
from domain.fields.definition import Field_, FieldType

KINDS: dict[FieldType, Kind] = {
    FieldType.TEXT: text.Text(),
    FieldType.LONG_TEXT: long_text.LongText(),
    FieldType.CHOICE: choice.Choice(),
    FieldType.MULTI_CHOICE: multi_choice.MultiChoice(),
    FieldType.TAGS: tags.Tags(),
    FieldType.BOOLEAN: boolean.Boolean(),
    FieldType.INTEGER: integer.Integer(),
    FieldType.DECIMAL: decimal.Decimal(),
    FieldType.MONEY: money.Money(),
    FieldType.PERCENT: percent.Percent(),
    FieldType.RATING: rating.Rating(),
    FieldType.DATE: date.Date(),
    FieldType.TIME: time.Time(),
    FieldType.DATETIME: datetime.DateTime(),
    FieldType.DATE_RANGE: date_range.DateRange(),
    FieldType.DURATION: duration.Duration(),
    FieldType.PHONE: phone.Phone(),
    FieldType.EMAIL: email.Email(),
    FieldType.URL: url.Url(),
    FieldType.ADDRESS: address.Address(),
    FieldType.PERSON_NAME: person_name.PersonName(),
    FieldType.REFERENCE: reference.Reference(),
    FieldType.FILE: file.File(),
}


def parse(words: str, field: Field_, here: Here) -> Any:
    """Words a person or a model wrote for this field: the canonical value, or a Complaint."""
    kind = KINDS[field.type]
    return _checked(kind, kind.parse(words[:20_000], field, here), field, here)


def accept(value: Any, field: Field_, here: Here) -> Any:
    """Any JSON value meant for this field, made canonical and checked, or a Complaint. None empties the field."""
    if value is None:
        return Complaint("required", "has to have a value") if field.required else None
    if isinstance(value, str):
        return parse(value, field, here)
    kind = KINDS[field.type]
    return _checked(kind, kind.canonical(value, field, here), field, here)


def _checked(kind: Kind, value: Any, field: Field_, here: Here) -> Any:
    if isinstance(value, Complaint):
        return value
    return validate(kind, value, field, here) or value


def show(value: Any, field: Field_, here: Here) -> str:
    """A stored value; one that an older schema left behind is shown as it is."""
    try:
        return KINDS[field.type].show(value, field, here)
    except (ValueError, TypeError, KeyError, ArithmeticError):
        return str(value)


def personal(field: Field_) -> bool:
    """Whether its values are personal data."""
    return field.pii or KINDS[field.type].personal


def misdefined(field: Field_) -> str | None:
    """What is wrong with the limits an admin set, if anything."""
    kind = KINDS[field.type]
    try:
        low = None if field.minimum is None else kind.bound(field.minimum, None)
        high = None if field.maximum is None else kind.bound(field.maximum, None)
    except ValueError as error:
        return f"field {field.name!r}: {error}"
    if low is not None and high is not None and low > high:
        return f"field {field.name!r}: minimum is above maximum"
    return None


def json_schema(fields: Iterable[Field_]) -> dict[str, Any]:
    """Of an object with these fields; null where nothing was said. Strict: every name is required, no other is
    allowed, which is what structured output of model providers asks for."""
    properties = {}
    for field in fields:
        said = field.description or field.name.replace("_", " ")
        properties[field.name] = {
            "description": said,
            "anyOf": [KINDS[field.type].json_schema(field), {"type": "null"}],
        }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
