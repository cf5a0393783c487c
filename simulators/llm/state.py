"""What the simulator was told to say, and what it was asked."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
WIRES = frozenset({"responses", "chat", "messages", "embeddings", "models"})
TROUBLES = frozenset(
    {
        "unauthorized", "rate_limited", "no_credit", "bad_request", "server_error", "overloaded", "gateway",
        "slow_first_byte", "stall", "disconnect", "malformed", "bad_json", "truncated", "refusal", "empty", "loop",
        "overlong", "wrong_tool", "error_event", "no_such_path", "no_format",
    }
)  # fmt: skip
FIELDS: dict[str, type | tuple[type, ...]] = {
    "contains": str, "wire": str, "say": (str, dict, list), "trouble": str, "count": int,
    "seconds": (int, float), "retry_after": (int, float),
}  # fmt: skip


@dataclass(frozen=True)
class Config:
    """`key`: the only one that is accepted; empty: any. `piece`: characters of one event of a stream."""

    key: str = ""
    piece: int = 12


@dataclass
class Rule:
    said: Json = field(default_factory=dict)
    left: int | None = None
    met: int = 0

    @property
    def trouble(self) -> str:
        return str(self.said.get("trouble", ""))

    def fits(self, wire: str, words: str) -> bool:
        wanted = self.said.get("wire")
        return self.left != 0 and wanted in (None, wire) and self.said.get("contains", "") in words

    def as_json(self) -> Json:
        return {**self.said, "left": self.left, "met": self.met}


class Simulation:
    def __init__(self, config: Config) -> None:
        self.config, self.origin = config, ""
        self._ids = itertools.count(1)
        self._closing = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        self.rules: list[Rule] = []
        self.requests: list[Json] = []

    def load(self, rules: list[Json]) -> None:
        """Replaces all rules; ValueError on one that would silently never do anything."""
        self.rules = [_parse(rule) for rule in rules]

    def rule(self, wire: str, body: Json) -> Rule | None:
        words = json.dumps(body, ensure_ascii=False)
        found = next((rule for rule in self.rules if rule.fits(wire, words)), None)
        if found is not None:
            found.met += 1
            found.left = None if found.left is None else found.left - 1
        return found

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._ids):024d}"

    async def pause(self, seconds: float) -> None:
        """Ends early when the simulator closes."""
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return

    def close(self) -> None:
        self._closing.set()


def _parse(raw: Json) -> Rule:
    for name, value in raw.items():
        if name not in FIELDS or not isinstance(value, FIELDS[name]):
            raise ValueError(f"rule: {name}={value!r} is not understood")
    if raw.get("wire", "chat") not in WIRES:
        raise ValueError(f"rule: unknown wire {raw['wire']!r}")
    if raw.get("trouble", "loop") not in TROUBLES:
        raise ValueError(f"rule: unknown trouble {raw['trouble']!r}")
    return Rule(raw, raw.get("count"))
