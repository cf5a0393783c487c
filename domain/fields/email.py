"""E-mail addresses, in small letters."""

from typing import Any, ClassVar

from domain.fields.base import Complaint, Here, Kind, entities, only
from domain.fields.definition import Field_, FieldType

NO_EMAIL = Complaint("not_an_email", "write an e-mail address, like ann@example.com")


class Email(Kind):
    type: ClassVar[FieldType] = FieldType.EMAIL
    personal: ClassVar[bool] = True

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        return only((str(e.value) for e in entities(text, here, "email")), NO_EMAIL)

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        return NO_EMAIL

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return str(value)

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "string", "format": "email"}
