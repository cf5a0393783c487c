"""What a model says to a request: the rule's words, the smallest JSON of a schema, or the request's own last words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from simulators.llm.state import Json, Rule

LOOP = "We are open from nine to five every day of the week. "


@dataclass(frozen=True)
class Said:
    """`finish`: stop, length or refusal. `tool`: the name it gives the tool that it uses."""

    text: str
    finish: str = "stop"
    tool: str = ""

    @property
    def tokens(self) -> int:
        return max(1, len(self.text) // 4) if self.text else 0


def answer(rule: Rule | None, schema: Json | None, last: str, tool: str = "") -> Said:
    said = Said(_words(rule, schema, last), tool=tool)
    match rule.trouble if rule else "":
        case "bad_json":
            return Said(said.text[: len(said.text) // 2] + " and so on", tool=tool)
        case "truncated":
            return Said(said.text[: len(said.text) // 2], "length", tool)
        case "refusal":
            return Said("I can't help with that.", "refusal")
        case "empty":
            return Said("")
        case "loop":
            return Said(_shaped(schema, LOOP * 30), tool=tool)
        case "overlong":
            return Said(_shaped(schema, " ".join(f"word{n}" for n in range(20_000))), tool=tool)
        case "wrong_tool":
            return Said(said.text, tool="delete_everything")
    return said


def _words(rule: Rule | None, schema: Json | None, last: str) -> str:
    if rule is not None and "say" in rule.said:
        say = rule.said["say"]
        return say if isinstance(say, str) else json.dumps(say, ensure_ascii=False)
    return json.dumps(smallest(schema)) if schema else f"You said: {last[:200]}"


def _shaped(schema: Json | None, words: str) -> str:
    """The words where the schema wants the first text, so that only they are wrong."""
    return json.dumps(smallest(schema, words)) if schema else words


def smallest(schema: Json, words: str = "") -> Any:
    """An instance of JSON Schema: first choices, empty lists unless `words` want a place, null where allowed."""
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return smallest(schema["anyOf"][-1], words)
    kind = schema.get("type")
    kind = kind[-1] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: smallest(one, words) for name, one in schema.get("properties", {}).items()}
    if kind == "array":
        return [smallest(schema["items"], words)] if words else []
    plain: dict[str | None, Any] = {"string": words, "integer": 0, "number": 0, "boolean": False}
    return plain.get(kind)
