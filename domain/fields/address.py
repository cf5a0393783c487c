"""Postal addresses, as written."""

from typing import ClassVar

from domain.fields.definition import FieldType
from domain.fields.text import Text


class Address(Text):
    type: ClassVar[FieldType] = FieldType.ADDRESS
    personal: ClassVar[bool] = True

    def tidy(self, text: str) -> str:
        """On one line: its lines are parted by commas."""
        lines = [" ".join(line.split()).strip(" ,") for line in text.replace("\0", "").splitlines()]
        return ", ".join(line for line in lines if line)
