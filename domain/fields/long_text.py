"""Words as they are, with their lines."""

from typing import ClassVar

from domain.fields.definition import FieldType
from domain.fields.text import Text


class LongText(Text):
    type: ClassVar[FieldType] = FieldType.LONG_TEXT
    longest: ClassVar[int] = 20_000

    def tidy(self, text: str) -> str:
        lines = [" ".join(line.split()) for line in text.replace("\0", "").splitlines()]
        return "\n".join(lines).strip()
