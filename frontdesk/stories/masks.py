"""Names, numbers and addresses of real people, replaced by those of a test: the same one always by the same."""

import re
from collections.abc import Callable
from typing import Any

from frontdesk.stories.past import Past

CONTACT = "+15125550100"
NAME = "Alex Example"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w$€£.])\+?\(?\d[\d ().-]{8,}\d(?!\w)")


def business(n: int) -> str:
    """A number for the business's nth channel."""
    return f"+151255502{n:02d}"


def mask(past: Past, kinds: dict[str, str]) -> Callable[[str], str]:
    """`kinds` is field → type, by the workspace's schema: values of people's fields are replaced wherever they stand."""
    exact: dict[str, str] = dict.fromkeys(past.addresses, CONTACT)
    for name in (past.name, *_values(past, kinds, "person_name")):
        exact |= _names(name)
    for street in _values(past, kinds, "address"):
        exact[street] = "1 Main Street"
    seen: dict[str, str] = {}

    def by(text: str) -> str:
        for old in sorted(exact, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", exact[old], text, flags=re.IGNORECASE)
        text = _EMAIL.sub(lambda found: _nth(seen, found[0].lower(), "alex{}@example.com"), text)
        return _NUMBER.sub(lambda found: _number(seen, found[0]), text)

    return by


def _names(name: str | None) -> dict[str, str]:
    """The whole name, and each part of it that is no ordinary short word."""
    if not name:
        return {}
    first, *rest = name.split()
    found = {name: NAME, first: NAME.split()[0]} if len(first) > 2 else {name: NAME}
    return found | {part: NAME.split()[1] for part in rest if len(part) > 2}


def _values(past: Past, kinds: dict[str, str], kind: str) -> list[str]:
    return [_text(value) for name, value in past.fields.items() if kinds.get(name) == kind and _text(value)]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(str(one) for one in value.values() if one)
    return str(value or "")


def _number(seen: dict[str, str], written: str) -> str:
    """Only what has as many digits as a telephone number, and is not one of ours already."""
    digits = re.sub(r"\D", "", written)
    if not 10 <= len(digits) <= 15 or digits.endswith(CONTACT[2:]):
        return written
    return _nth(seen, digits, "+151255501{:02d}")


def _nth(seen: dict[str, str], key: str, form: str) -> str:
    if key not in seen:
        seen[key] = form.format(len(seen) + 1)
    return seen[key]
