"""What was expected beside what was got, after normalising: 3pm is 15:00, $45 is 45, (512) 555-0100 is +15125550100."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import phonenumbers

from frontdesk.stories.script import ExpectedReply

_PHONE = re.compile(r"\+[\d ().-]{8,}|\(?\d{3}\)?[ .-]+\d{3}[ .-]+\d{4}")


def values(where: str, expected: Mapping[str, Any], got: Mapping[str, Any]) -> list[str]:
    """One sentence a difference; fields that are not named are not looked at."""
    return [
        f"{where}.{name}: expected {wanted!r}, got {got.get(name)!r}"
        for name, wanted in expected.items()
        if normal(wanted) != normal(got.get(name))
    ]


def normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"amount", "currency"}:
            return normal(value["amount"])
        return {key: normal(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [normal(one) for one in value]
    if isinstance(value, datetime):
        return value.timestamp() if value.tzinfo else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bool) or value is None:
        return value
    return _from_text(str(value).strip())


def _from_text(text: str) -> Any:
    if _PHONE.fullmatch(text):
        return _phone(text)
    try:
        return Decimal(text.replace(",", "").lstrip("$"))
    except InvalidOperation:
        pass
    if re.fullmatch(r"\d\d?:\d\d(:\d\d)?", text):
        return time.fromisoformat(text.zfill(5)).isoformat()
    if re.fullmatch(r"\d{4}-\d\d-\d\d[T ].*", text):
        at = datetime.fromisoformat(text)
        return at.timestamp() if at.tzinfo else at.isoformat()
    return text.casefold()


def _phone(text: str) -> str:
    try:
        return phonenumbers.format_number(phonenumbers.parse(text, "US"), phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        return text


def reply(expected: ExpectedReply, words: str) -> list[str]:
    said = words.casefold()
    problems = [f"reply: {one!r} is missing" for one in expected.all if one.casefold() not in said]
    problems += [f"reply: {one!r} must not occur" for one in expected.none if one.casefold() in said]
    if expected.match is not None and not re.search(expected.match, words):
        problems.append(f"reply: /{expected.match}/ does not match")
    return [f"{problem}, in: {words!r}" for problem in problems]
