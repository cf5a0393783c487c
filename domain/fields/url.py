"""Web addresses, with their scheme."""

import re
from typing import Any, ClassVar

from domain.fields.base import Complaint, Here, Kind, only
from domain.fields.definition import Field_, FieldType

NO_URL = Complaint("not_a_url", "write a web address, like https://example.com")
_TOP = (
    r"(?:com|org|net|edu|gov|io|co|app|dev|info|biz|us|uk|es|mx|ca|me|ai|shop|online|site|page|link|ly|gl|be)"
)
URL = re.compile(
    r"https?://[^\s<>\"']{1,1900}"
    rf"|(?<![\w@.-])(?:www\.)?(?:[a-z0-9-]{{1,60}}\.){{1,4}}{_TOP}(?![\w@.-]*@)\b(?:[/?#][^\s<>\"']{{0,1500}})?",
    re.IGNORECASE,
)


class Url(Kind):
    type: ClassVar[FieldType] = FieldType.URL

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        return only((value_of(m[0]) for m in URL.finditer(text)), NO_URL)

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        return NO_URL

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return str(value)

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "string", "format": "uri"}


def value_of(said: str) -> str:
    """The scheme and the host in small letters; what ends the sentence is not part of it."""
    said = said.rstrip(".,;:!?)]}'\"")
    scheme, mark, rest = said.partition("://")
    if not mark:
        scheme, rest = "https", said
    host, slash, path = re.match(r"([^/?#]*)([/?#]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{scheme.lower()}://{host.lower()}{slash}{path}"
