"""Templates: what stands in for {{1}}, {{2}}, … and which language is taken. Pure."""

import re
from collections.abc import Mapping, Sequence

_NOBODY = {"en": "there", "es": "qué tal"}
"""Who has not told us a name; providers refuse an empty variable."""


def fill(variables: Sequence[str], known: Mapping[str, str | None], locale: str) -> tuple[str, ...]:
    """The value of each variable, in order, on one line; never empty."""
    nobody = _NOBODY.get(locale[:2], _NOBODY["en"])
    return tuple(" ".join((known.get(name) or "").split())[:120] or nobody for name in variables)


def render(body: str, values: Sequence[str]) -> str:
    """The words as the customer will read them."""
    return re.sub(r"\{\{(\d+)\}\}", lambda found: values[int(found[1]) - 1], body)


def preferred(locales: Sequence[str], wanted: Sequence[str | None]) -> str | None:
    """The first of `locales` in the first wanted language that is there, else the first; None of none."""
    for language in wanted:
        for locale in locales:
            if language and locale[:2] == language[:2]:
                return locale
    return locales[0] if locales else None
