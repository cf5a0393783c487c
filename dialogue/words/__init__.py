"""What the assistant says when no document says it: templates by language and manner, in YAML beside.

A key holds one template, or one a manner (warm, plain, formal; plain stands in for a missing one).
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from ruamel.yaml import YAML

from dialogue.words.filters import FILTERS

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "es")
_MANNERS = {"friendly": "warm", "casual": "warm", "empathetic": "warm", "formal": "formal"}
_DOUBLED = re.compile(r"(?<!\.)\.\.(?!\.)")
"""A sentence that ends in "p.m." needs no second full stop."""
_jinja = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True)  # noqa: S701  # text, not HTML
_jinja.filters |= FILTERS


@cache
def templates(language: str) -> dict[str, dict[str, str]]:
    """Every template of a language, by key and manner: of `en.yaml`, and of each skill's `en.SKILL.yaml`."""
    read: dict[str, Any] = {}
    for file in sorted(FOLDER.glob(f"{language}*.yaml")):
        more = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
        if twice := sorted(read.keys() & more.keys()):
            raise ValueError(f"{file.name} says {', '.join(twice)} a second time")
        read |= more
    return {key: said if isinstance(said, dict) else {"plain": said} for key, said in read.items()}


def say(key: str, language: str, personality: str, **facts: object) -> str:
    """The filled template."""
    said = templates(language if language in LANGUAGES else LANGUAGES[0])[key]
    manner = _MANNERS.get(personality, "plain")
    source = said[manner] if manner in said else said["plain"]
    return _DOUBLED.sub(".", _compiled(source).render({"language": language, **facts})).strip()


@cache
def _compiled(source: str) -> Template:
    return _jinja.from_string(source)


@cache
def literals(language: str) -> str:
    """Everything the templates of a language say by themselves."""
    return "\n".join(text for manners in templates(language).values() for text in manners.values())
