"""Order numbers, policy numbers, serial numbers: one word of letters and digits, in capitals."""

import re
from typing import Any, ClassVar

from domain.fields.base import Complaint, Here
from domain.fields.definition import Field_, FieldType
from domain.fields.text import Text

NO_REFERENCE = Complaint("not_a_reference", "write the number as it stands there, like AB-12345")
REFERENCE = re.compile(
    r"(?<![\w@.:/$-])#?(?=[\w/-]*\d)[A-Za-z0-9](?:[A-Za-z0-9]|[-/_](?=[A-Za-z0-9])){1,39}(?![\w@:$%])"
)
DIGIT = re.compile("[0-9]")


class Reference(Text):
    type: ClassVar[FieldType] = FieldType.REFERENCE
    longest: ClassVar[int] = 40

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        said = dict.fromkeys(value_of(m[0]) for m in REFERENCE.finditer(text))
        found = [
            one for one in said if DIGIT.search(one)
        ]  # of "AA--1" only what stands before the dashes was found
        if field.pattern:
            found = [one for one in found if re.fullmatch(field.pattern, one)] or found
        if len(found) > 1:
            return Complaint("ambiguous", "holds more than one number; write one")
        return super().parse(found[0], field, here) if found else NO_REFERENCE


def value_of(said: str) -> str:
    return said.lstrip("#").upper()
