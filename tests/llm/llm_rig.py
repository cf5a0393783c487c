"""What the tests of models share: a simulator, citizens that speak to it, a ledger in memory, one plain question."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from dialogue.llm_anthropic import Anthropic
from dialogue.llm_openai import OpenAI
from domain.llm import Allowance, Call, Ended, Message, Prompt, Purpose, Request, Shape, Standing
from domain.ports import Provider
from runtime.http import Client
from simulators.llm import Running

BUSINESS = UUID(int=1)
TALK = UUID(int=2)


class Colour(BaseModel):
    model_config = ConfigDict(extra="forbid")
    colour: str
    sure: bool


SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string"}, "sure": {"type": "boolean"}},
    "required": ["colour", "sure"],
    "additionalProperties": False,
}
COLOUR = Shape("colour", SCHEMA, Colour.model_validate_json)
BLUE = {"colour": "blue", "sure": True}


def request(shape: Shape | None = COLOUR, seconds: float = 5.0, max_tokens: int = 200) -> Request:
    prompt = Prompt(Purpose.COMPOSE, "Name a colour.", (Message("user", "the sky"),), max_tokens, shape)
    return Request(prompt, BUSINESS, TALK, seconds)


def citizen(kind: str, running: Running, http: Client, name: str = "test-1", key: str = "key") -> Provider:
    """`openai`, `compatible` (the same, at a server without /responses) or `anthropic`."""
    if kind == "anthropic":
        return Anthropic(name, key, running.url, http)
    return OpenAI(name, key, f"{running.url}/v1", http)


def script(running: Running, kind: str, *rules: dict[str, Any]) -> None:
    extra = [{"wire": "responses", "trouble": "no_such_path"}] if kind == "compatible" else []
    running.state.reset()
    running.state.load([*extra, *rules])


class Book:
    """A ledger in memory that never says no, and remembers."""

    def __init__(self) -> None:
        self.calls: dict[UUID, Call] = {}
        self.ended: dict[UUID, Ended] = {}

    async def standing(self, workspace_id: UUID, allowance: Allowance) -> Standing:
        return Standing.FREE

    async def begin(self, call: Call) -> UUID:
        made = uuid4()
        self.calls[made] = call
        return made

    async def end(self, workspace_id: UUID, call_id: UUID, ended: Ended) -> None:
        self.ended[call_id] = ended

    @property
    def told(self) -> Sequence[str]:
        """model: how it ended, one line a call."""
        return [
            f"{call.model}: {(ended.trouble or 'answered') if (ended := self.ended.get(key)) else 'open'}"
            for key, call in self.calls.items()
        ]


def said(text: str) -> Any:
    return json.loads(text)
