"""People's names, with capitals where names have them."""

import re
from typing import Any, ClassVar

from domain.entities.names import is_sentence, spelled
from domain.fields.base import Complaint, Here, entities
from domain.fields.definition import Field_, FieldType
from domain.fields.text import Text

NO_NAME = Complaint("not_a_name", "write a name, like Ann Lee")
_NAME = re.compile(r"(?:[^\W\d_]|['’.\-]|(?<=\w) (?=\S)|(?<=[.,]) (?=\S)|,){1,120}")


class PersonName(Text):
    type: ClassVar[FieldType] = FieldType.PERSON_NAME
    personal: ClassVar[bool] = True
    longest: ClassVar[int] = 120

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        told = [str(e.value) for e in entities(text, here, "name")]
        name = told[0] if told else self.tidy(text).strip(" ,!?;:")
        if not _NAME.fullmatch(name) or len(name.split()) > 8 or not any(map(str.isalpha, name)):
            return NO_NAME
        if not told and is_sentence(name):
            return NO_NAME
        return super().parse(spelled(name), field, here)
