"""Labels: short, in small letters, each once."""

import re
from typing import Any, ClassVar

from domain.fields.base import Complaint, Here, Kind
from domain.fields.definition import Field_, FieldType

LONGEST, MOST = 60, 50
_BETWEEN = re.compile(r"[,;\n#]+")


class Tags(Kind):
    type: ClassVar[FieldType] = FieldType.TAGS

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        return self.canonical(_BETWEEN.split(text), field, here)

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            return Complaint("wrong_type", "write a list of tags")
        said = (_BETWEEN.sub(" ", one.replace("\0", "")) for one in value)
        tags = list(dict.fromkeys(tag for one in said if (tag := " ".join(one.casefold().split()))))
        if not tags:
            return Complaint("empty", "write at least one tag")
        if len(tags) > MOST or any(len(tag) > LONGEST for tag in tags):
            return Complaint("too_long", f"write at most {MOST} tags of at most {LONGEST} characters")
        unknown = [tag for tag in tags if field.options and tag not in field.options]
        if unknown:
            return Complaint("not_an_option", f"{unknown[0]!r} is none of {', '.join(field.options)}")
        return tags

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return ", ".join(value)

    def json_schema(self, field: Field_) -> dict[str, Any]:
        item: dict[str, Any] = {"type": "string", "maxLength": LONGEST}
        return {"type": "array", "items": item | ({"enum": list(field.options)} if field.options else {})}
