"""Words that mean the same at a front desk: the little that a bag of words must be told about meaning."""

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from ruamel.yaml import YAML

LEXICON = Path(__file__).with_name("concepts.yaml")
_TOKEN = re.compile(r"[\w']+|[^\w\s]")


@cache
def _lexicon() -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Exact words and pairs of words → concepts; then the beginnings of words."""
    exact: dict[str, list[str]] = {}
    beginnings: list[tuple[str, str]] = []
    for concept, words in YAML(typ="safe", pure=True).load(LEXICON.read_text(encoding="utf-8")).items():
        for word in (term.replace("_", " ") for term in str(words).split()):
            if word.endswith("*"):
                beginnings.append((word[:-1], concept))
            else:
                exact.setdefault(word, []).append(concept)
    return exact, beginnings


@lru_cache(maxsize=20_000)
def _begun(token: str) -> tuple[str, ...]:
    return tuple(concept for start, concept in _lexicon()[1] if token.startswith(start))


def plain(text: str) -> str:
    """Without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def concepts(text: str) -> list[str]:
    """The concepts of a normalised text, and each pair of neighbouring ones."""
    exact, _ = _lexicon()
    tokens = _TOKEN.findall(plain(text))
    found: list[str] = []
    for place, token in enumerate(tokens):
        for phrase in (" ".join(tokens[place : place + size]) for size in (1, 2, 3)):
            found += exact.get(phrase, [])
        found += _begun(token)
    found = list(dict.fromkeys(found))
    return found + [f"{a}+{b}" for place, a in enumerate(found) for b in found[place + 1 : place + 4]]
