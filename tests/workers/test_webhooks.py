"""Outgoing webhooks against a receiver on loopback that checks signatures: once, again, never inside, and gone."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from domain.webhooks import GIVE_UP
from frontdesk.serving import listen, serving, url_of
from runtime.http import open_public_client
from store import erasure, webhooks
from tests.rig import Desk
from workers.webhooks import WebhookFollower, WebhookWorker

MakeDesk = Callable[..., Awaitable[Desk]]


@dataclass
class Receiver:
    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """In this order; then 204."""
    heard: list[tuple[dict[str, str], str]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.heard]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        self.heard.append(({k.decode(): v.decode() for k, v in scope["headers"]}, body.decode()))
        status, headers = self.answers.pop(0) if self.answers else (204, {})
        told = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    one, listener = Receiver(), listen("127.0.0.1", 0)
    one.url = url_of(listener)
    async with serving(one, listener):
        yield one


async def work(desk: Desk, receiver: Receiver, *, inside: bool = True) -> int:
    """What is due; how many calls were made."""
    async with open_public_client([receiver.host] if inside else []) as web:
        rt = replace(desk.rt, web=web)
        follower, worker = WebhookFollower(rt, desk.workspace_id), WebhookWorker(rt, desk.workspace_id)
        for one in await follower.claim(8):
            await follower.work(one)
        due = await worker.claim(50)
        for call in due:
            await worker.work(call)
        return len(due)


async def listens(desk: Desk, url: str, *kinds: str) -> webhooks.Webhook:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return await webhooks.add(tx, url, "", kinds)


async def calls(desk: Desk) -> list[Any]:
    return await desk.rows("select * from webhook_call order by id")


def is_signed(secret: str, headers: dict[str, str], body: str) -> bool:
    """As a receiver would check it, without our code."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    mac = hmac.new(base64.b64decode(secret.split("_", 1)[1]), signed, "sha256").digest()
    return headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"


async def test_a_subscriber_hears_of_events_once(desk: Desk, receiver: Receiver) -> None:
    one = await listens(desk, f"{receiver.url}/hook", "conversation.*")
    await desk.text("hello")
    assert await work(desk, receiver) == 1
    assert await work(desk, receiver) == 0
    ((headers, body),) = receiver.heard
    told = json.loads(body)
    assert (told["type"], told["data"]["conversation_id"]) == (
        "conversation.opened",
        str((await desk.conversation()).id),
    )
    assert "hello" not in body
    assert is_signed(one.secret, headers, body)
    assert [(call.state, call.status, call.attempts) for call in await calls(desk)] == [("done", 204, 1)]


async def test_a_rule_calls_an_address_with_its_words(make_desk: MakeDesk, receiver: Receiver) -> None:
    then = [{"webhook": {"url": f"{receiver.url}/lead", "data": {"said": "{{message.text}}"}}}]
    desk = await make_desk(rules=[{"name": "tell crm", "on": "message_received", "then": then}])
    await desk.text("¿abren hoy? 🚤")
    await desk.turn()
    assert await work(desk, receiver) == 1
    ((headers, body),) = receiver.heard
    told = json.loads(body)
    assert (told["type"], told["data"]["values"]) == ("rule.tell crm", {"said": "¿abren hoy? 🚤"})
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (made,) = await webhooks.page(tx, None, 10)
    assert (made.url, made.events) == (f"{receiver.url}/lead", ())
    assert is_signed(made.secret, headers, body)


async def test_it_comes_again_until_it_arrives_with_the_same_id(desk: Desk, receiver: Receiver) -> None:
    one = await listens(desk, receiver.url + "/", "conversation.opened")
    receiver.answers = [
        (500, {}),
        (302, {"location": "http://169.254.169.254/"}),
        (429, {"retry-after": "600"}),
    ]
    await desk.text("hello")
    assert await work(desk, receiver) == 1
    assert await work(desk, receiver) == 0  # not before its time
    desk.wait(seconds=7)
    assert await work(desk, receiver) == 1
    desk.wait(seconds=30)
    assert await work(desk, receiver) == 1
    desk.wait(minutes=5)
    assert await work(desk, receiver) == 0  # it asked for ten
    desk.wait(minutes=6)
    assert await work(desk, receiver) == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in receiver.heard}) == 4
    assert all(is_signed(one.secret, *heard) for heard in receiver.heard)
    assert [(call.state, call.attempts) for call in await calls(desk)] == [("done", 4)]


async def test_after_days_it_is_dead_and_can_be_replayed(desk: Desk, receiver: Receiver) -> None:
    one = await listens(desk, receiver.url + "/", "conversation.opened")
    receiver.answers = [(503, {})] * 40
    await desk.text("hello")
    begun, attempts = desk.stage.clock.frozen, 0
    assert begun is not None
    while (await work(desk, receiver)) or not attempts or (await calls(desk))[0].state == "waiting":
        attempts += 1
        desk.wait(hours=15)
    (dead,) = await calls(desk)
    assert (dead.state, dead.reason) == ("dead", "status_503")
    assert desk.stage.clock.frozen is not None
    assert desk.stage.clock.frozen - begun <= GIVE_UP + timedelta(days=1)
    assert [row.reason for row in await desk.rows("select reason from notification where kind = 'rule'")] == [
        "webhook_dead"
    ]
    receiver.answers = []
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await webhooks.replay(tx, one.id, dead.id)
    assert await work(desk, receiver) == 1
    assert (await calls(desk))[0].state == "done"
    assert receiver.heard[-1][0]["webhook-id"] == str(dead.id)


async def test_410_switches_it_off(desk: Desk, receiver: Receiver) -> None:
    one = await listens(desk, receiver.url + "/", "conversation.*", "message.*")
    receiver.answers = [(410, {})]
    await desk.text("hello")
    await work(desk, receiver)
    assert len(receiver.heard) == 1
    assert {call.state for call in await calls(desk)} == {"cancelled"}
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        off = await webhooks.get(tx, one.id)
    assert (off.active, off.reason) == (False, "gone")
    await desk.text("again")
    assert await work(desk, receiver) == 0


async def test_nothing_inside_is_reached(desk: Desk, receiver: Receiver) -> None:
    for url in (receiver.url + "/", "http://169.254.169.254/latest", "http://[::1]/", "http://localhost./x"):
        await listens(desk, url, "conversation.opened")
    await desk.text("hello")
    assert await work(desk, receiver, inside=False) == 4
    assert receiver.heard == []
    assert {(call.state, call.reason) for call in await calls(desk)} == {("waiting", "not_public")}


async def test_two_workers_make_one_call_and_a_dead_one_holds_nothing_up(
    desk: Desk, receiver: Receiver
) -> None:
    await listens(desk, receiver.url + "/", "conversation.opened")
    await desk.text("hello")
    follower = WebhookFollower(desk.rt, desk.workspace_id)
    for one in await follower.claim(8):
        await follower.work(one)
    workers = [WebhookWorker(desk.rt, desk.workspace_id) for _ in range(2)]
    assert sorted([len(await worker.claim(8)) for worker in workers]) == [0, 1]  # and then it dies
    assert await work(desk, receiver) == 0
    desk.wait(seconds=61)
    assert await work(desk, receiver) == 1


async def test_erased_with_their_customer(make_desk: MakeDesk, receiver: Receiver) -> None:
    then = [{"webhook": {"url": f"{receiver.url}/lead", "data": {"said": "{{message.text}}"}}}]
    desk = await make_desk(rules=[{"name": "tell crm", "on": "message_received", "then": then}])
    await desk.text("my secret")
    await desk.turn()
    contact_id = (await desk.conversation()).contact_id
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await erasure.erase(tx, contact_id, "test")
    assert await calls(desk) == []
