"""What a stranger posted, made into text that can be kept: form bodies and clean strings. Pure.

yarl reads a form as `urllib.parse.parse_qsl` does (`tests/channels/test_forms.py`), in half the time: every webhook of
Twilio's is one."""

import re

from yarl import URL

from domain.errors import BadPayload

MAX_BYTES, MAX_FIELDS = 1_048_576, 1000
_UNSTORABLE = re.compile("[\ud800-\udfff]")


def read_form(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """The fields in order, repeated keys and empty values kept, broken UTF-8 as U+FFFD. Any other kind of
    body has no fields."""
    if len(body) > MAX_BYTES:
        raise BadPayload("the body is too large")
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return []
    if body.count(b"&") >= MAX_FIELDS:
        raise BadPayload("the form has too many fields")
    return list(URL.build(query_string=body.decode("utf-8", "replace"), encoded=True).query.items())


def clean(text: str) -> str:
    """Text that Postgres and UTF-8 can hold: no NUL, no half of a surrogate pair."""
    return _UNSTORABLE.sub("\ufffd", text.replace("\0", ""))
