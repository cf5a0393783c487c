"""Which embedder a setting names: local, hash, openai:MODEL or openai:MODEL@DIMENSIONS."""

from dataclasses import dataclass

KNOWN = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
"""Models whose dimensions need not be said."""
MOST = 4_000
"""What pgvector can index of one vector, as half precision."""


class BadChoice(ValueError):
    """The message says what would be right."""


@dataclass(frozen=True, slots=True)
class Choice:
    kind: str
    """local, hash or openai"""
    model: str = ""
    dimensions: int | None = None


LOCAL = Choice("local")


def read(setting: str) -> Choice:
    """Raise BadChoice."""
    kind, _, rest = setting.partition(":")
    if setting in ("local", "hash"):
        return Choice(setting)
    if kind != "openai" or not rest:
        raise BadChoice(f"{setting!r} is none of local, hash, openai:MODEL, openai:MODEL@DIMENSIONS")
    model, at, size = rest.rpartition("@") if "@" in rest else (rest, "", "")
    if at and not (size.isdigit() and 0 < int(size) <= MOST):
        raise BadChoice(f"{setting!r}: after the @ stands the number of dimensions, 1 to {MOST}")
    if not at and model not in KNOWN:
        raise BadChoice(f"{setting!r}: say how many dimensions its vectors have: openai:{model}@768")
    return Choice("openai", model, int(size) if at else None)
