"""Each provider's SDK against its wire on loopback: what comes back, and what each failure is called."""

import asyncio
from typing import Any

import pytest

from domain.errors import ModelFailed, Trouble
from domain.llm import Answer, Finish
from runtime.http import Client
from simulators.llm import Config, Running, serve
from tests.llm.llm_rig import BLUE, COLOUR, citizen, request, said, script

KINDS = ("openai", "compatible", "anthropic")
FAILURES: list[tuple[dict[str, Any], Trouble]] = [
    ({"trouble": "unauthorized"}, Trouble.AUTH),
    ({"trouble": "no_credit"}, Trouble.AUTH),
    ({"trouble": "rate_limited", "retry_after": 7}, Trouble.RATE_LIMITED),
    ({"trouble": "bad_request"}, Trouble.BAD_REQUEST),
    ({"trouble": "server_error"}, Trouble.OVERLOADED),
    ({"trouble": "overloaded"}, Trouble.OVERLOADED),
    ({"trouble": "gateway"}, Trouble.OVERLOADED),
    ({"trouble": "disconnect"}, Trouble.UNREACHABLE),
    ({"trouble": "malformed"}, Trouble.BAD_JSON),
]


async def streamed(llm: Any, asked: Any) -> tuple[str, Answer]:
    words, whole = "", None
    async for piece in llm.stream(asked):
        if isinstance(piece, Answer):
            whole = piece
        else:
            words += piece
    assert whole is not None
    return words, whole


@pytest.mark.parametrize("kind", KINDS)
async def test_structured_answer(kind: str, running: Running, http: Client) -> None:
    script(running, kind, {"say": BLUE})
    answer = await citizen(kind, running, http).ask(request())
    assert said(answer.text) == BLUE
    assert answer.finish is Finish.STOP
    assert answer.usage.input > 0
    assert answer.usage.output > 0
    sent = running.state.requests[-1]
    assert sent["wire"] == {"openai": "responses", "compatible": "chat", "anthropic": "messages"}[kind]
    assert "additionalProperties" in str(sent["body"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("words", ["Hello there, how may I help?", "¡Hola! Cuesta 120 €. 😀", "x" * 3_000])
async def test_stream(kind: str, words: str, running: Running, http: Client) -> None:
    script(running, kind, {"say": words})
    heard, whole = await streamed(citizen(kind, running, http), request(None))
    assert heard == whole.text == words
    assert whole.usage.output > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rule", "trouble"), FAILURES, ids=lambda value: str(value))
@pytest.mark.parametrize("way", ["ask", "stream"])
async def test_failures_have_names(
    kind: str, rule: dict[str, Any], trouble: Trouble, way: str, running: Running, http: Client
) -> None:
    script(running, kind, rule | {"say": BLUE})
    llm = citizen(kind, running, http)
    with pytest.raises(ModelFailed) as failed:
        await (llm.ask(request()) if way == "ask" else streamed(llm, request()))
    assert failed.value.trouble is trouble
    assert failed.value.model == llm.model
    assert failed.value.retry_after_s == rule.get("retry_after")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["ask", "stream"])
@pytest.mark.parametrize(
    ("trouble", "finish"), [("truncated", Finish.LENGTH), ("refusal", Finish.REFUSED), ("empty", Finish.STOP)]
)
async def test_how_it_ended(
    kind: str, way: str, trouble: str, finish: Finish, running: Running, http: Client
) -> None:
    script(running, kind, {"trouble": trouble, "say": "a long and winding answer"})
    llm = citizen(kind, running, http)
    answer = await llm.ask(request(None)) if way == "ask" else (await streamed(llm, request(None)))[1]
    assert answer.finish is finish or answer.refusal
    assert trouble != "empty" or answer.text == ""


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
async def test_an_error_in_the_middle_of_a_stream(kind: str, running: Running, http: Client) -> None:
    script(running, kind, {"trouble": "error_event", "say": "half of it"})
    with pytest.raises(ModelFailed) as failed:
        await streamed(citizen(kind, running, http), request(None))
    assert failed.value.trouble is Trouble.OVERLOADED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trouble", ["slow_first_byte", "stall"])
@pytest.mark.parametrize("way", ["ask", "stream"])
async def test_who_waits_too_long_is_told_by_the_sdk_s_own_timeout(
    kind: str, trouble: str, way: str, running: Running, http: Client
) -> None:
    script(running, kind, {"trouble": trouble, "seconds": 3, "say": "late"})
    llm, asked = citizen(kind, running, http), request(None, seconds=0.1)
    with pytest.raises(ModelFailed) as failed:
        async with asyncio.timeout(2):
            await (llm.ask(asked) if way == "ask" else streamed(llm, asked))
    assert failed.value.trouble is Trouble.TIMEOUT


async def test_a_server_that_knows_no_schema_is_asked_in_words(running: Running, http: Client) -> None:
    llm = citizen("compatible", running, http)
    script(running, "compatible", {"contains": '"json_schema"', "trouble": "no_format"}, {"say": BLUE})
    for _ in range(2):
        assert said((await llm.ask(request())).text) == BLUE
    wires = [
        (one["wire"], (one["body"].get("response_format") or {}).get("type"))
        for one in running.state.requests
    ]
    assert wires == [
        ("responses", None),
        ("chat", "json_schema"),
        ("chat", "json_object"),
        ("chat", "json_object"),
    ]
    assert "JSON Schema" in running.state.requests[-1]["body"]["messages"][0]["content"]


@pytest.mark.parametrize("way", ["ask", "stream"])
async def test_a_model_without_structured_output_gets_a_tool(
    way: str, running: Running, http: Client
) -> None:
    script(running, "anthropic", {"contains": "output_config", "trouble": "no_format"}, {"say": BLUE})
    llm = citizen("anthropic", running, http)
    answer = await llm.ask(request()) if way == "ask" else (await streamed(llm, request()))[1]
    assert said(answer.text) == BLUE
    assert running.state.requests[-1]["body"]["tool_choice"] == {"type": "tool", "name": COLOUR.name}
    script(running, "anthropic", {"contains": "tool_choice", "trouble": "wrong_tool"})
    with pytest.raises(ModelFailed) as failed:
        await llm.ask(request())
    assert failed.value.trouble is Trouble.BAD_JSON


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
async def test_check_says_whether_the_key_is_good(kind: str, http: Client) -> None:
    async with serve(config=Config(key="the right one")) as strict:
        assert "accepted" in await citizen(kind, strict, http, key="the right one").check()
        with pytest.raises(ModelFailed) as failed:
            await citizen(kind, strict, http, key="a wrong one").check()
    assert failed.value.trouble is Trouble.AUTH


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
async def test_nobody_there(kind: str, running: Running, http: Client) -> None:
    nowhere = Running("http://127.0.0.1:9", running.state)
    with pytest.raises(ModelFailed) as failed:
        await citizen(kind, nowhere, http).ask(request())
    assert failed.value.trouble is Trouble.UNREACHABLE


async def test_nothing_is_kept_at_openai(running: Running, http: Client) -> None:
    script(running, "openai", {"say": BLUE})
    await citizen("openai", running, http).ask(request())
    assert running.state.requests[-1]["body"]["store"] is False
