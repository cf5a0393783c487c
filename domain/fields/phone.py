"""Telephone numbers, as E.164."""

from typing import Any, ClassVar

import phonenumbers

from domain.entities import parse_phone
from domain.fields.base import Complaint, Here, Kind, entities, only
from domain.fields.definition import Field_, FieldType

NO_PHONE = Complaint("not_a_phone", "write a telephone number with its area code, like 512 555 0142")


class Phone(Kind):
    type: ClassVar[FieldType] = FieldType.PHONE
    personal: ClassVar[bool] = True

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        whole = parse_phone(text, here.country)
        return whole if whole else only((e.value for e in entities(text, here, "phone")), NO_PHONE)

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        return self.parse(str(value), field, here) if isinstance(value, int) else NO_PHONE

    def show(self, value: Any, field: Field_, here: Here) -> str:
        """As it is dialled from the business's country."""
        try:
            number = phonenumbers.parse(value)
        except phonenumbers.NumberParseException:
            return str(value)
        home = phonenumbers.region_code_for_number(number) == here.country
        shape = (
            phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
        )
        return str(phonenumbers.format_number(number, shape))

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^\+[1-9]\d{6,14}$"}
