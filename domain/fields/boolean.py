"""Yes or no."""

import re
from typing import Any, ClassVar

from domain.fields.base import Complaint, Here, Kind
from domain.fields.definition import Field_, FieldType
from domain.fields.options import plain

_YES = re.compile(
    r"\b(?:yes|yeah|yea|yep|yup|ya|sure|ok|okay|correct|right|absolutely|definitely|certainly|indeed|please do"
    r"|of course|go ahead|sounds (?:good|fine|great|nice)|alright|all right"
    r"|(?:that|it|this)(?: will| would|'ll)? (?:works?|do|does)"
    r"|(?:that(?:'s| is|s)|it(?:'s| is|s)|would be|be|i'm|i am|im|am) (?:fine|good|great|perfect|down|cool|happy|glad)"
    r"|true|si|claro|por supuesto|vale|correcto|desde luego|y|1)\b|👍|✅"
)
_NO = re.compile(
    r"\b(?:no|nope|nah|not|never|negative|none|false|without|don't|dont|doesn't|doesnt|isn't|isnt|won't|wont|can't"
    r"|cannot|nunca|tampoco|ninguno|sin|n|0)\b|👎|❌"
)
_FINE = re.compile(
    r"\b(?:no (?:problem|worries|issue|objection)|not a problem)\w*\b"
    r"|\b(?:don't|do not|dont|wouldn't) mind\b"
)


def yes_or_no(text: str) -> bool | None:
    """The first of the two that is said; a "not" after a "yes" about something else does not undo it."""
    said = plain(text)
    if _FINE.search(said):
        return True
    yes, no = _YES.search(said), _NO.search(said)
    if yes and no:
        return yes.start() < no.start() and not re.match(r" ?(?:not|no)\b", said[yes.end() : yes.end() + 5])
    return None if not (yes or no) else bool(yes)


class Boolean(Kind):
    type: ClassVar[FieldType] = FieldType.BOOLEAN

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        value = yes_or_no(text)
        return Complaint("not_yes_or_no", "write yes or no") if value is None else value

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        return value if isinstance(value, bool) else Complaint("wrong_type", "write true or false")

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return ("sí" if here.language == "es" else "yes") if value else "no"

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "boolean"}
