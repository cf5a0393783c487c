"""Each kind of trouble, as it looks from the client's side and from the receiver of callbacks."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx2
import pytest
import requests

from tests.simulators.twilio_rig import CUSTOMER, OWNED, until

CREATE = {"route": "messages.create"}


async def accepted(control: Any) -> int:
    return len((await control.get("/sim/ledger")).json()["messages"])


@pytest.mark.parametrize(("status", "code"), [(429, 20429), (500, 20500), (503, 20503)])
async def test_status(chaos: Any, send: Any, control: Any, status: int, code: int) -> None:
    await chaos({"kind": "status", "status": status, "retry_after": 3, "count": 1, **CREATE})
    answer = await send()
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, status)
    assert answer.headers.get("retry-after") == ("3" if status == 429 else None)
    assert await accepted(control) == 0
    assert (await send()).status_code == 201


async def test_unauthorized(chaos: Any, send: Any) -> None:
    await chaos({"kind": "unauthorized"})
    answer = await send()
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


@pytest.mark.parametrize(("kind", "effects"), [("drop_before", 0), ("drop_after", 1)])
async def test_dropped_connection(
    chaos: Any, send: Any, control: Any, receiver: Any, kind: str, effects: int
) -> None:
    await chaos({"kind": kind, **CREATE, "count": 1})
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        await send(StatusCallback=f"{receiver.url}/status")
    assert await accepted(control) == effects
    await until(lambda: len(receiver.statuses()) == 3 * effects)
    log = (await control.get("/sim/requests")).json()["requests"]
    assert [(entry["chaos"], entry["status"]) for entry in log] == [(kind, None)]
    assert (await send()).status_code == 201


async def test_dropped_connection_at_the_sdk(chaos: Any, sdk: Any, control: Any) -> None:
    await chaos({"kind": "drop_after", **CREATE})
    with pytest.raises(requests.exceptions.ConnectionError):
        await asyncio.to_thread(sdk.messages.create, to=CUSTOMER, from_=OWNED, body="x")
    assert await accepted(control) == 1


@pytest.mark.parametrize(("effect", "effects"), [("before", 1), ("none", 0)])
async def test_hang_outlasts_the_clients_patience(
    chaos: Any, rest: Any, running: Any, effect: str, effects: int
) -> None:
    await chaos({"kind": "hang", "seconds": 0.3, "effect": effect, **CREATE})
    form = {"To": CUSTOMER, "From": OWNED, "Body": "x"}
    with pytest.raises(httpx2.ReadTimeout):
        await rest.post("/Messages.json", data=form, timeout=0.1)
    await until(lambda: len(running.state.messages) == effects)


async def test_hang_ends_for_the_patient(chaos: Any, send: Any, control: Any) -> None:
    await chaos({"kind": "hang", "seconds": 0.1, "effect": "after", **CREATE})
    started = time.monotonic()
    assert (await send()).status_code == 201
    assert time.monotonic() - started >= 0.09
    await chaos({"kind": "hang", "seconds": 0.05, "effect": "none", **CREATE})
    with pytest.raises(httpx2.RemoteProtocolError):
        await send()
    assert await accepted(control) == 1


async def test_html_instead_of_json(chaos: Any, send: Any, control: Any) -> None:
    await chaos({"kind": "html_error", "count": 1}, {"kind": "html_error", "status": 200, "effect": "before"})
    first, second = await send(), await send()
    assert (first.status_code, second.status_code) == (502, 200)
    assert "text/html" in first.headers["content-type"]
    assert second.text.startswith("<!DOCTYPE html>")
    assert await accepted(control) == 1


async def test_bad_json(chaos: Any, send: Any, control: Any) -> None:
    await chaos({"kind": "bad_json", **CREATE})
    answer = await send()
    assert answer.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert await accepted(control) == 1


async def test_slow_body(chaos: Any, send: Any) -> None:
    await chaos({"kind": "slow_body", "seconds": 0.2, **CREATE})
    started = time.monotonic()
    assert (await send()).json()["status"] == "queued"
    assert time.monotonic() - started >= 0.19


async def test_duplicate_callbacks(chaos: Any, send: Any, receiver: Any) -> None:
    await chaos({"kind": "duplicate_callbacks", "times": 3})
    await send(StatusCallback=f"{receiver.url}/status")
    await until(lambda: len(receiver.hits) == 9)
    assert receiver.statuses() == ["sending"] * 3 + ["sent"] * 3 + ["delivered"] * 3
    assert len({hit.headers["i-twilio-idempotency-token"] for hit in receiver.hits}) == 3


async def test_reorder_callbacks(chaos: Any, send: Any, receiver: Any) -> None:
    await chaos({"kind": "reorder_callbacks"})
    await send(StatusCallback=f"{receiver.url}/status")
    await until(lambda: receiver.statuses() == ["delivered", "sent", "sending"])


async def test_delay_callbacks(chaos: Any, send: Any, receiver: Any, running: Any) -> None:
    await chaos({"kind": "delay_callbacks", "seconds": 0.5})
    sid = (await send(StatusCallback=f"{receiver.url}/status")).json()["sid"]
    await until(lambda: running.state.messages[sid].status == "delivered")
    assert receiver.hits == []
    await until(lambda: receiver.statuses() == ["sending", "sent", "delivered"])


async def test_drop_callbacks(chaos: Any, send: Any, receiver: Any, running: Any) -> None:
    await chaos({"kind": "drop_callbacks", "statuses": ["sending", "sent"]})
    await send(StatusCallback=f"{receiver.url}/status")
    await until(lambda: receiver.statuses() == ["delivered"])


async def test_callback_before_response(chaos: Any, send: Any, receiver: Any) -> None:
    await chaos({"kind": "callback_before_response"})
    answer = await send(StatusCallback=f"{receiver.url}/status")
    assert answer.json()["status"] == "queued"
    assert receiver.statuses() == ["sending", "sent", "delivered"]


async def test_fail_with(chaos: Any, send: Any, receiver: Any) -> None:
    await chaos({"kind": "fail_with", "code": 30007, "count": 1}, {"kind": "fail_with", "code": 21614})
    assert (await send(StatusCallback=f"{receiver.url}/status")).status_code == 201
    await until(lambda: receiver.statuses() == ["sending", "sent", "undelivered"])
    assert receiver.hits[-1].params["ErrorCode"] == "30007"
    assert (await send()).json()["code"] == 21614


async def test_rules_match_by_route_number_count_and_order(
    chaos: Any, send: Any, rest: Any, control: Any
) -> None:
    await chaos(
        {"kind": "status", "status": 503, "to": "+14155550666"},
        {"kind": "status", "status": 500, **CREATE, "count": 2},
        {"kind": "unauthorized", "route": "messages.list"},
    )
    assert [(await send()).status_code for _ in range(3)] == [500, 500, 201]
    assert (await send(To="+14155550666")).status_code == 503
    assert (await rest.get("/Messages.json")).status_code == 401
    rules = (await control.get("/sim/chaos")).json()["rules"]
    assert [(rule["met"], rule["left"]) for rule in rules] == [(1, None), (2, 0), (1, None)]


async def test_chance_repeats_with_the_seed(chaos: Any, send: Any, control: Any) -> None:
    async def run() -> list[int]:
        await control.post("/sim/reset", json={"keep_numbers": True})
        await chaos({"kind": "status", "status": 500, "probability": 0.5})
        return [(await send()).status_code for _ in range(12)]

    first = await run()
    assert set(first) == {201, 500}
    assert await run() == first
