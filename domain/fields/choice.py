"""One of the options."""

from typing import Any, ClassVar

from domain.fields.base import Complaint, Here, Kind, only
from domain.fields.definition import Field_, FieldType
from domain.fields.options import mentions


class Choice(Kind):
    type: ClassVar[FieldType] = FieldType.CHOICE

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        if text in field.options:
            return text
        return only((m.option for m in mentions(text, field)), _none(field))

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        return self.parse(str(value), field, here)

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return str(value).replace("_", " ")

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "string", "enum": list(field.options)}


def _none(field: Field_) -> Complaint:
    return Complaint("not_an_option", f"write one of {', '.join(field.options)}")
