"""Models one after the other: who is asked again, who is passed over, who rests, and what the ledger saw of it."""

import asyncio
import time
from typing import Any

import pytest

from dialogue.llm_breaker import FAILURES, LONGEST_S, REST_S, Breaker
from dialogue.llm_chain import Chain
from dialogue.llm_checks import looping
from domain.errors import ModelFailed, Trouble
from domain.llm import Answer, Usage
from runtime.http import Client
from simulators.llm import Running
from tests.llm.llm_rig import BLUE, Book, citizen, request, script


def chain(running: Running, http: Client, book: Book) -> Chain:
    """OpenAI first, Anthropic behind it."""
    return Chain([citizen("openai", running, http, "a"), citizen("anthropic", running, http, "b")], book, {})


TROUBLES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["openai:a: answered"]),
    ({"trouble": "unauthorized"}, ["openai:a: auth", "anthropic:b: answered"]),
    ({"trouble": "bad_request"}, ["openai:a: bad_request", "anthropic:b: answered"]),
    ({"trouble": "refusal"}, ["openai:a: refused", "anthropic:b: answered"]),
    ({"trouble": "truncated"}, ["openai:a: truncated", "anthropic:b: answered"]),
    ({"trouble": "overlong"}, ["openai:a: truncated", "anthropic:b: answered"]),
    ({"trouble": "empty"}, ["openai:a: empty", "openai:a: empty", "anthropic:b: answered"]),
    ({"trouble": "loop"}, ["openai:a: looping", "openai:a: looping", "anthropic:b: answered"]),
    ({"trouble": "bad_json"}, ["openai:a: bad_json", "openai:a: bad_json", "anthropic:b: answered"]),
    ({"trouble": "bad_json", "count": 1}, ["openai:a: bad_json", "openai:a: answered"]),
    ({"trouble": "server_error"}, ["openai:a: overloaded"] * 3 + ["anthropic:b: answered"]),
    ({"trouble": "disconnect", "count": 2}, ["openai:a: unreachable"] * 2 + ["openai:a: answered"]),
    ({"trouble": "rate_limited", "retry_after": 0.1, "count": 1}, ["openai:a: rate_limited", "openai:a: answered"]),
    ({"trouble": "rate_limited", "retry_after": 60}, ["openai:a: rate_limited", "anthropic:b: answered"]),
    ({"trouble": "slow_first_byte", "seconds": 5}, ["openai:a: timeout", "anthropic:b: answered"]),
    ({"trouble": "stall", "seconds": 5}, ["openai:a: timeout", "anthropic:b: answered"]),
    ({"say": {"colour": "blue"}}, ["openai:a: bad_json", "openai:a: bad_json", "anthropic:b: answered"]),
    ({"say": '```json\n{"colour": "blue", "sure": true}\n```'}, ["openai:a: answered"]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "told"), TROUBLES, ids=lambda value: str(value))
async def test_asked_in_order(rule: dict[str, Any], told: list[str], running: Running, http: Client) -> None:
    book = Book()
    script(running, "openai", {"say": BLUE} | rule | {"wire": "responses"}, {"say": BLUE})
    started = time.monotonic()
    answer = await chain(running, http, book).ask(request(seconds=3))
    assert answer.value.colour == "blue"
    assert book.told == told
    assert time.monotonic() - started < 3


async def test_when_all_fail_the_last_ones_trouble_is_told_in_time(running: Running, http: Client) -> None:
    book = Book()
    script(running, "openai", {"trouble": "slow_first_byte", "seconds": 9})
    started = time.monotonic()
    with pytest.raises(ModelFailed) as failed:
        await chain(running, http, book).ask(request(seconds=1.5))
    assert failed.value.trouble is Trouble.TIMEOUT
    assert time.monotonic() - started < 1.7


async def test_a_model_that_keeps_failing_rests(running: Running, http: Client) -> None:
    book = Book()
    script(running, "openai", {"wire": "responses", "trouble": "server_error"}, {"say": BLUE})
    both = chain(running, http, book)
    for _ in range(3):
        await both.ask(request(seconds=4))
    assert both.resting("openai:a")
    assert not both.resting("anthropic:b")
    assert book.told.count("openai:a: overloaded") == FAILURES
    assert book.told[-1] == "anthropic:b: answered"


def test_breaker_rests_longer_each_time_and_lets_one_try() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    for _ in range(FAILURES):
        assert breaker.lets()
        breaker.failed(Trouble.OVERLOADED)
    rest = REST_S
    while rest <= LONGEST_S:
        assert not breaker.lets()
        now += rest + 0.1
        assert breaker.lets()
        assert not breaker.lets(), "only one tries"
        breaker.failed(Trouble.TIMEOUT)
        rest *= 2
    now += LONGEST_S + 0.1
    assert breaker.lets()
    breaker.failed(Trouble.REFUSED)  # it answers
    assert breaker.lets()
    assert breaker.lets()


async def test_stream_moves_on_before_the_first_word_only(running: Running, http: Client) -> None:
    book = Book()
    script(
        running,
        "openai",
        {"wire": "responses", "trouble": "overloaded", "count": 1},
        {"say": "one two three"},
    )
    both = chain(running, http, book)
    pieces = [piece async for piece in both.stream(request(None))]
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == "one two three"
    assert isinstance(pieces[-1], Answer)
    assert book.told == ["openai:a: overloaded", "anthropic:b: answered"]
    script(
        running, "openai", {"wire": "responses", "trouble": "disconnect", "say": "w" * 200}, {"say": "not me"}
    )
    heard, trouble = await listen(both)
    assert trouble is Trouble.UNREACHABLE
    assert set(heard) == {"w"}


async def listen(llm: Chain) -> tuple[str, Trouble | None]:
    """The words that came, and why they stopped."""
    heard = ""
    try:
        async for piece in llm.stream(request(None)):
            heard += piece if isinstance(piece, str) else ""
    except ModelFailed as failed:
        return heard, failed.trouble
    return heard, None


async def test_a_stream_that_loops_is_cut(running: Running, http: Client) -> None:
    book = Book()
    script(running, "openai", {"trouble": "loop"})
    heard, trouble = await listen(chain(running, http, book))
    assert trouble is Trouble.LOOPING
    assert 0 < len(heard) < 400


async def test_a_caller_that_goes_away_leaves_the_reservation(running: Running, http: Client) -> None:
    book = Book()
    script(running, "openai", {"trouble": "slow_first_byte", "seconds": 9})
    task = asyncio.create_task(chain(running, http, book).ask(request(seconds=8)))
    while not book.calls and not task.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert book.told == ["openai:a: open"]


@pytest.mark.parametrize(
    ("trouble", "known"),
    [
        ("unauthorized", True),
        ("refusal", True),
        ("disconnect", False),
        ("slow_first_byte", False),
        ("truncated", True),
    ],
)
async def test_what_is_settled_and_what_nobody_knows(
    trouble: str, known: bool, running: Running, http: Client
) -> None:
    book = Book()
    script(running, "openai", {"trouble": trouble, "seconds": 3})
    with pytest.raises(ModelFailed):
        await Chain([citizen("openai", running, http)], book, {}).ask(request(seconds=0.7))
    assert all((ended.usage is not None) == known for ended in book.ended.values())
    if trouble == "unauthorized":
        assert next(iter(book.ended.values())).usage == Usage()


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        ("We open at nine. We close at five. On Sunday we are closed.", False),
        ("Yes. Yes. Yes.", False),
        ("We are open today. We are open today. We are open today.", True),
        ("very " * 60, True),
        ('{"parts": [{"words": "a", "intent": "greeting"}, {"words": "b", "intent": "greeting"}]}', False),
        ("", False),
        ("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18", False),
    ],
)
def test_loops(text: str, loops: bool) -> None:
    assert looping(text) is loops
