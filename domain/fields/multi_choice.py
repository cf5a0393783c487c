"""Some of the options, in the order in which the admin lists them."""

from typing import Any, ClassVar

from domain.fields.base import Complaint, Here, Kind
from domain.fields.definition import Field_, FieldType
from domain.fields.options import mentions

AND = {"en": "and", "es": "y"}


class MultiChoice(Kind):
    type: ClassVar[FieldType] = FieldType.MULTI_CHOICE

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        said = {m.option for m in mentions(text, field)}
        found = [option for option in field.options if option in said or option == text]
        return found or Complaint("not_an_option", f"write some of {', '.join(field.options)}")

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        if not isinstance(value, list | tuple):
            return Complaint("wrong_type", "write a list of options")
        unknown = [one for one in value if one not in field.options]
        if unknown or not value:
            return Complaint("not_an_option", f"write some of {', '.join(field.options)}")
        return [option for option in field.options if option in value]

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return listed([str(one).replace("_", " ") for one in value], here)

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "enum": list(field.options)}}


def listed(shown: list[str], here: Here) -> str:
    """a, b and c"""
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {AND.get(here.language, 'and')} {shown[-1]}"
