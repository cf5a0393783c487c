"""The embedder at a provider: the wire's bytes, its failures by name, its limits."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from domain.errors import TurnFailed
from knowledge.embedding import choice
from knowledge.embedding.choice import BadChoice, Choice
from knowledge.embedding.hashing import Hashing
from knowledge.embedding.openai import ATTEMPTS, BATCH_TEXTS, LONGEST, OpenAIEmbedder
from runtime.http import open_client
from runtime.settings import BadSettings
from runtime.settings import read as read_settings

PLACES_OF_HI = [69]
"""What this must be in every process: Python's own hash is not."""
Answer = Callable[[dict[str, Any]], tuple[int, dict[str, str], Any]]


class Server:
    """A provider on loopback that answers as it is told and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked, self.heads = list(answers), list[dict[str, Any]](), list[str]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = int(head.lower().split("content-length:")[1].split()[0])
                self.heads.append(head)
                self.asked.append(json.loads(await reader.readexactly(length)))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                status, headers, body = answer(self.asked[-1])
                await asyncio.sleep(headers.pop("sleep", 0))  # type: ignore[arg-type]
                text = body if isinstance(body, bytes) else json.dumps(body).encode()
                lines = [f"HTTP/1.1 {status} X", f"content-length: {len(text)}"]
                lines += [f"{name}: {value}" for name, value in headers.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode() + text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def embedder(server: Server, **options: Any) -> AsyncIterator[OpenAIEmbedder]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    options = {"name": "text-embedding-3-small", "dimensions": 4, "backoff_s": 0.01} | options
    async with open_client() as http:
        yield OpenAIEmbedder(http, url, "key-1", **options)
    listening.close()


def vectors(asked: dict[str, Any], size: int = 4) -> list[dict[str, Any]]:
    """Backwards, because the wire promises no order."""
    rows = [
        {"index": place, "embedding": [float(len(text)), 1.0, *[0.0] * (size - 2)]}
        for place, text in enumerate(asked["input"])
    ]
    return rows[::-1]


def fine(asked: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    return 200, {}, {"data": vectors(asked)}


def failing(status: int, body: Any = None, **headers: Any) -> Answer:
    return lambda asked: (status, dict(headers), body if body is not None else {"error": {"code": "why"}})


async def test_the_wire() -> None:
    server = Server(fine)
    async with embedder(server) as at:
        found = await at.embed(["a", "abc"])
    assert server.asked == [
        {
            "model": "text-embedding-3-small",
            "input": ["a", "abc"],
            "encoding_format": "float",
            "dimensions": 4,
        }
    ]
    assert "POST /v1/embeddings" in server.heads[0]
    assert "authorization: bearer key-1" in server.heads[0].lower()
    assert (found.dtype, found.shape) == (np.dtype("float32"), (2, 4))
    assert np.allclose(found, [[1 / 2**0.5, 1 / 2**0.5, 0, 0], [3 / 10**0.5, 1 / 10**0.5, 0, 0]])
    assert (at.model, at.dimensions) == ("openai:text-embedding-3-small@4", 4)


async def test_only_the_family_that_shortens_is_asked_to() -> None:
    server = Server(fine)
    async with embedder(server, name="other") as at:
        await at.embed(["a"])
    assert "dimensions" not in server.asked[0]


async def test_many_texts_travel_in_batches_and_come_back_in_order() -> None:
    server = Server(fine)
    texts = ["x" * (1 + number % 50) for number in range(BATCH_TEXTS + 44)]
    async with embedder(server) as at:
        found = await at.embed(texts)
    assert [len(asked["input"]) for asked in server.asked] == [BATCH_TEXTS, 44]
    assert np.allclose(found[:, 0] / found[:, 1], [len(text) for text in texts])


async def test_ugly_texts_are_sent_as_the_wire_can_hold_them() -> None:
    server = Server(fine)
    async with embedder(server) as at:
        assert (await at.embed(["", "\ud800", "x" * 10_000, "🙂"])).shape == (4, 4)
        assert (await at.embed([])).shape == (0, 4)
    assert server.asked == [server.asked[0]]
    assert server.asked[0]["input"] == [" ", "?", "x" * LONGEST, "🙂"]


@pytest.mark.parametrize(
    "first",
    [
        failing(429, **{"retry-after": "0"}),
        failing(500),
        failing(503),
        failing(200, b"<html>"),
        failing(200, {"data": "?"}),
    ],
)
async def test_what_may_pass_is_tried_again(first: Answer) -> None:
    server = Server(first, fine)
    async with embedder(server) as at:
        assert (await at.embed(["a"])).shape == (1, 4)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "said", "asked"),
    [
        (failing(401), "refused with 401 .why.", 1),
        (failing(404), "refused with 404", 1),
        (failing(400, b"no json"), "refused with 400$", 1),
        (failing(503), "the server answers 503", ATTEMPTS),
        (lambda a: (200, {}, {"data": vectors(a, 3)}), r"vectors of shape \(1, 3\), not \(1, 4\)", 1),
        (lambda a: (200, {}, {"data": []}), "vectors of shape", 1),
        (
            lambda a: (200, {}, {"data": [{"index": 0, "embedding": [0, 0, 0, 0]}]}),
            "no direction",
            1,
        ),
    ],
)
async def test_failures_by_their_names(answer: Answer, said: str, asked: int) -> None:
    server = Server(answer)
    async with embedder(server) as at:
        with pytest.raises(TurnFailed, match=said):
            await at.embed(["a"])
    assert len(server.asked) == asked


async def test_the_deadline_holds_over_all_attempts() -> None:
    async with embedder(Server(failing(503, sleep=0.2)), deadline_s=0.3) as at:
        with pytest.raises(TurnFailed, match=r"no answer within 0\.3 s"):
            await at.embed(["a"])


async def test_nobody_there() -> None:
    async with open_client() as http:
        at = OpenAIEmbedder(http, "http://127.0.0.1:9/v1", "", "text-embedding-3-small", backoff_s=0.01)
        with pytest.raises(TurnFailed, match="ConnectError"):
            await at.embed(["a"])


@pytest.mark.parametrize(
    ("setting", "chosen"),
    [
        ("local", Choice("local")),
        ("hash", Choice("hash")),
        ("openai:text-embedding-3-small", Choice("openai", "text-embedding-3-small")),
        ("openai:text-embedding-3-large@256", Choice("openai", "text-embedding-3-large", 256)),
        ("openai:nomic:latest@768", Choice("openai", "nomic:latest", 768)),
    ],
)
def test_choices(setting: str, chosen: Choice) -> None:
    assert choice.read(setting) == chosen


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "none of"),
        ("openai", "none of"),
        ("openai:", "none of"),
        ("cohere:x", "none of"),
        ("openai:nomic", "openai:nomic@768"),
        ("openai:nomic@0", "1 to 4000"),
        ("openai:nomic@x", "1 to 4000"),
    ],
)
def test_wrong_choices_say_what_would_be_right(setting: str, said: str) -> None:
    with pytest.raises(BadChoice, match=said):
        choice.read(setting)


def test_without_a_key_or_another_server_this_machines_own_serves() -> None:
    given = {"DATABASE_URL": "postgresql://x/y", "FRONTDESK_SECRET_KEY": "0123456789abcdef"}
    wished = given | {"FRONTDESK_EMBEDDER": "openai:text-embedding-3-small"}
    assert read_settings(given).embedder == choice.LOCAL
    assert read_settings(wished | {"OPENAI_API_KEY": "k"}).embedder.kind == "openai"
    assert read_settings(wished | {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}).embedder.kind == "openai"
    without = read_settings(wished)
    assert (without.embedder, without.embedder_without_key) == (choice.LOCAL, "openai:text-embedding-3-small")
    with pytest.raises(BadSettings, match="FRONTDESK_EMBEDDER"):
        read_settings(given | {"FRONTDESK_EMBEDDER": "nonsense"})


async def test_hashing_is_the_same_everywhere() -> None:
    texts: Sequence[str] = ["opening hours", "opening hour", "prices of crowns", "", "\ud800"]
    found = await Hashing().embed(texts)
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    assert found[0] @ found[1] > 0.5 > found[0] @ found[2]
    assert [int(place) for place in np.flatnonzero(Hashing().vectors(["hi"])[0])] == PLACES_OF_HI
