"""A workspace as its YAML file: the same workspace gives the same bytes, and the file applied gives the workspace."""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from domain.workspace import DAYS, Hours, Profile
from store import knowledge, workspaces
from store.db import Tx

_WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z0-9][\w &/.-]*")
_FIRST = ("name", "on", "when", "then", "from", "to", "field", "op", "value")
"""Keys of free mappings that are read in this order; others follow by the alphabet."""


@dataclass(frozen=True, slots=True)
class Exported:
    """`documents` are (source, bytes); `rebuilt` names those whose own bytes were never kept."""

    slug: str
    text: str
    documents: tuple[tuple[str, bytes], ...]
    rebuilt: tuple[str, ...]


async def export(tx: Tx) -> Exported:
    profile = (await workspaces.get(tx)).profile
    documents, rebuilt = [], []
    for one in await knowledge.stored(tx):
        original = one.original
        if original is None:
            passages = await knowledge.passages(tx, one.source)
            original = _rebuild(one.title, passages)
            rebuilt.append(one.source)
        documents.append((one.source, original))
    return Exported(profile.workspace.slug, text(profile), tuple(documents), tuple(rebuilt))


def _rebuild(title: str, passages: list[knowledge.Chunk]) -> bytes:
    """A document from its passages: the words are there, the file's own shape is lost."""
    parts = [f"# {title}"]
    for passage in passages:
        trail = passage.heading.split(" › ")
        heading = trail[1:] if trail[:1] == [title] else trail
        parts += [f"## {' › '.join(heading)}"] if any(heading) else []
        parts.append(passage.text)
    return ("\n\n".join(parts) + "\n").encode()


def text(profile: Profile) -> str:
    """Without credentials: those do not leave the database."""
    return dump(mapping(profile))


def dump(value: Mapping[str, Any]) -> str:
    """Any mapping as YAML in the style of a workspace's file."""
    yaml = YAML()
    yaml.width, yaml.allow_unicode = _WIDTH, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    written = io.StringIO()
    yaml.dump(_styled(value), written)
    return written.getvalue()


def mapping(profile: Profile) -> dict[str, Any]:
    """The profile in the file's shape and order: what is short in full, what repeats without its defaults."""
    whole = profile.model_dump(mode="json", exclude={"hours", "channels", "schemas"})
    spare = json.loads(profile.model_dump_json(include={"channels", "schemas"}, exclude_defaults=True))
    for channel in spare.get("channels", ()):
        channel.pop("credentials", None)
    parts = {
        "workspace": whole["workspace"],
        "assistant": whole["assistant"],
        "policy": {name: value for name, value in whole["policy"].items() if value is not None},
        "models": {name: value for name, value in whole["models"].items() if value is not None},
        "hours": hours(profile.hours),
        "brand": {name: value for name, value in whole["brand"].items() if value is not None},
        "channels": spare.get("channels", []),
        "schemas": [_schema(one) for one in spare.get("schemas", ())],
        "intents": dict(sorted(whole["intents"].items())),
        "rules": _ordered(whole["rules"]),
        "skills": _ordered(whole["skills"]),
    }
    parts |= {name: _ordered(value) for name, value in whole.items() if name not in (*parts, "knowledge")}
    parts["knowledge"] = whole["knowledge"]
    return {name: value for name, value in parts.items() if value or name == "workspace"}


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    fields = [
        one
        | ({"synonyms": dict(sorted(one["synonyms"].items()))} if one.get("synonyms") else {})
        | ({"visible_when": _ordered(one["visible_when"])} if one.get("visible_when") else {})
        for one in schema["fields"]
    ]
    free = {name: _ordered(schema[name]) for name in ("ask_first", "workflow") if schema.get(name)}
    return {**schema, "fields": fields, **free}


def hours(value: Hours) -> dict[str, str]:
    """mon-fri: 08:00-17:00, days of the same hours together."""
    shown: dict[str, str] = {}
    first = 0
    while first < len(DAYS):
        last = first
        while last + 1 < len(DAYS) and value.days[last + 1] == value.days[first]:
            last += 1
        days = DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}"
        spans = [f"{_clock(opens)}-{_clock(closes)}" for opens, closes in value.days[first]]
        shown[days] = ", ".join(spans) or "closed"
        first = last + 1
    for day, spans_there in sorted(value.exceptions.items()):
        spans = [f"{_clock(opens)}-{_clock(closes)}" for opens, closes in spans_there]
        shown[day.isoformat()] = ", ".join(spans) or "closed"
    return shown


def _clock(value: time) -> str:
    return value.isoformat("minutes") if not value.second and not value.microsecond else value.isoformat()


def _ordered(value: Any) -> Any:
    """The database keeps free mappings in an order of its own; here it is ours."""
    if isinstance(value, Mapping):
        rank = {name: n for n, name in enumerate(_FIRST)}
        names = sorted(value, key=lambda name: (rank.get(name, len(rank)), name))
        return {name: _ordered(value[name]) for name in names}
    if isinstance(value, list | tuple):
        return [_ordered(one) for one in value]
    return value


def _styled(value: Any) -> Any:
    """Short lists of plain values on one line."""
    if isinstance(value, Mapping):
        return CommentedMap((name, _styled(one)) for name, one in value.items())
    if isinstance(value, list | tuple):
        listed = CommentedSeq(_styled(one) for one in value)
        plain = all(_PLAIN.fullmatch(str(one)) for one in value)
        if plain and sum(len(str(one)) + 2 for one in value) < _WIDTH * 0.7:
            listed.fa.set_flow_style()
        return listed
    return value
