"""A Twilio on loopback, a receiver for its webhooks, and clients for its three faces: REST, SDK, control."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from twilio import rest as twilio_sdk

from simulators.common.serving import Quiet
from simulators.twilio import Config, Running, serve
from simulators.twilio.state import Client
from tests.simulators.twilio_rig import CUSTOMER, OWNED, SID, TOKEN, Receiver, Rewriting, until


@pytest.fixture(scope="session")
async def running() -> AsyncIterator[Running]:
    async with serve(config=Config(step_delay=0.004, retry_delay=0.01)) as running:
        yield running


@pytest.fixture(scope="session")
async def listening() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/{path:path}", receiver.take, methods=["GET", "POST"])])
    server = Quiet(uvicorn.Config(app, port=0, log_level="warning", access_log=False))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    receiver.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield receiver
    server.should_exit = True
    await task


@pytest.fixture(scope="session")
async def control(running: Running) -> AsyncIterator[Client]:
    async with Client(base_url=running.url, trust_env=False) as client:
        yield client


@pytest.fixture
async def receiver(listening: Receiver, control: Client) -> Receiver:
    """A fresh Twilio with one number of ours, whose texts and calls come to this receiver."""
    await control.post("/sim/reset", json={})
    listening.hits.clear()
    listening.answers.clear()
    hooks = {"sms_url": f"{listening.url}/messages", "voice_url": f"{listening.url}/voice"}
    await control.post("/sim/numbers", json={"number": OWNED, **hooks})
    return listening


@pytest.fixture(scope="session")
async def authorized(running: Running) -> AsyncIterator[Client]:
    base = f"{running.url}/2010-04-01/Accounts/{SID}"
    async with Client(base_url=base, auth=(SID, TOKEN), trust_env=False) as client:
        yield client


@pytest.fixture
def rest(authorized: Client, receiver: Receiver) -> Client:
    return authorized


@pytest.fixture
def sdk(running: Running, receiver: Receiver) -> Iterator[twilio_sdk.Client]:
    http = Rewriting(running.url)
    yield twilio_sdk.Client(SID, TOKEN, http_client=http)
    assert http.session is not None
    http.session.close()


Send = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
def send(rest: Client) -> Send:
    async def create(**fields: Any) -> httpx2.Response:
        form = {"To": CUSTOMER, "From": OWNED, "Body": "Hello", **fields}
        return await rest.post("/Messages.json", data={k: v for k, v in form.items() if v is not None})

    return create


@pytest.fixture
def text(control: Client, receiver: Receiver) -> Send:
    """The customer writes to us."""

    async def write(body: str, handset: str = CUSTOMER, **more: Any) -> httpx2.Response:
        return await control.post(
            f"/sim/handsets/{handset}/messages", json={"to": OWNED, "body": body, **more}
        )

    return write


@pytest.fixture
def chaos(control: Client, receiver: Receiver) -> Send:
    async def rules(*rules: dict[str, Any]) -> httpx2.Response:
        return (await control.post("/sim/chaos", json={"rules": list(rules)})).raise_for_status()

    return rules
