"""Something that was sent along: {message: its place in the conversation, content_type, index in that message}."""

from typing import Any, ClassVar

from domain.fields.base import Complaint, Here, Kind
from domain.fields.definition import Field_, FieldType

NO_FILE = Complaint("not_a_file", "send the file itself")


class File(Kind):
    type: ClassVar[FieldType] = FieldType.FILE

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        return NO_FILE

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        if not isinstance(value, dict) or set(value) != {"message", "index", "content_type"}:
            return NO_FILE
        whole = [one for one in (value["message"], value["index"]) if isinstance(one, int) and one >= 0]
        return value if len(whole) == 2 and isinstance(value["content_type"], str) else NO_FILE

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return str(value["content_type"])

    def json_schema(self, field: Field_) -> dict[str, Any]:
        number = {"type": "integer", "minimum": 0}
        return {
            "type": "object",
            "properties": {"message": number, "index": number, "content_type": {"type": "string"}},
            "required": ["message", "index", "content_type"],
            "additionalProperties": False,
        }
