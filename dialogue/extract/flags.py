"""Yes or no: wished for, ruled out, or answered; what is only asked about is neither."""

import re
from collections.abc import Iterator
from functools import cache

from dialogue.extract.cues import Signs, lexicon, root
from dialogue.extract.heard import Found, Heard, How
from dialogue.extract.polarity import asks_about, denied, does_not_care
from domain.fields import Field_, FieldType
from domain.fields.boolean import yes_or_no
from domain.fields.options import plain

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


@cache
def _things() -> frozenset[str]:
    """Words of a description that say what has the quality, not which quality."""
    return frozenset(root(word) for word in lexicon()["things"].split())


def read(heard: Heard, signs: dict[str, Signs]) -> Iterator[Found]:
    for f in heard.fields:
        if f.type is FieldType.BOOLEAN:
            found = _said(heard, f, signs[f.name]) or _answered(heard, f)
            if found:
                yield found


def _said(heard: Heard, field: Field_, signs: Signs) -> Found | None:
    telling = signs.own - _things()
    m = next((m for m in _WORD.finditer(heard.text) if root(plain(m[0])) in telling), None)
    if m is None or (asks_about(heard.text, m.start()) and field.name not in heard.asked):
        return None
    value = not denied(heard.text, m.start())
    if field.name in heard.asked and value:
        value = yes_or_no(heard.text) is not False or not _FLAT_NO.match(heard.text)
    return Found(field.name, value, 0.85, m[0], m.start())


_FLAT_NO = re.compile(r"^\W*(?:no|nope|nah|not)\b", re.IGNORECASE)


def _answered(heard: Heard, field: Field_) -> Found | None:
    if field.name not in heard.asked or does_not_care(heard.text):
        return None
    value = yes_or_no(heard.text)
    words = heard.text.strip()
    return (
        None if value is None else Found(field.name, value, 0.9, words, heard.text.index(words), How.ANSWERED)
    )
