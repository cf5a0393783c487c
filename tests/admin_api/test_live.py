"""Live events, over real uvicorn: who may follow, what they see, that nothing is missed and nobody waits for anybody."""

import asyncio
import contextlib
import json
import socket as socket_module
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import admin_api.app
from admin_api.live import Patience
from frontdesk.serving import listen, serving, url_of
from runtime.runtime import Runtime, open_runtime
from store import events, notifications, people
from store.embedded import EmbeddedRedis
from store.events import Place
from tests.admin_api.api_rig import Business

Json = dict[str, Any]
HASTE = Patience(auth_s=0.3, heartbeat_s=0.2, again_s=0.2, stalled_s=0.5)


@dataclass
class Follower:
    socket: ClientConnection
    seen: list[Json] = field(default_factory=list)
    """Every event, in the order in which it came."""
    beats: list[Json] = field(default_factory=list)

    async def next(self, patience_s: float = 10) -> Json:
        async with asyncio.timeout(patience_s):
            frame: Json = json.loads(await self.socket.recv())
        {"event": self.seen, "heartbeat": self.beats}.get(frame["type"], []).append(frame)
        return frame

    async def until(self, kind: str) -> Json:
        while not self.seen or self.seen[-1]["kind"] != kind:
            await self.next()
        return self.seen[-1]

    async def until_n(self, count: int) -> list[Json]:
        while len(self.seen) < count:
            await self.next()
        return self.seen

    async def closed(self) -> int | None:
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.next()
        return self.socket.close_code


@dataclass
class Server:
    """The API on a port."""

    rt: Runtime
    url: str

    def socket(self, business: Business, query: str = "", ws: str = "", **more: Any) -> connect:
        path = f"/api/v1/workspaces/{ws or business.id}/events{query}"
        url = self.url.replace("http", "ws", 1) + path
        return connect(url, compression=None, **{"max_queue": None} | more)

    @asynccontextmanager
    async def follow(
        self, business: Business, after: str = "", key: str = "agent", **more: Any
    ) -> AsyncIterator[Follower]:
        """Greeted, by a key in the header."""
        query = f"?after={after}" if after else ""
        headers = {"X-API-Key": business.keys[key]}
        async with self.socket(business, query, additional_headers=headers, **more) as socket:
            follower = Follower(socket)
            assert (await follower.next())["type"] == "ready"
            yield follower

    async def refused(self, business: Business, **more: Any) -> httpx2.Response:
        """What the upgrade was answered."""
        with pytest.raises(InvalidStatus) as error:
            async with self.socket(business, **more):
                pass
        answer = error.value.response
        return httpx2.Response(
            answer.status_code, content=bytes(answer.body or b"-"), headers=dict(answer.headers)
        )


@asynccontextmanager
async def open_server(rt: Runtime, per_minute: int = 1_000_000, **live: Any) -> AsyncIterator[Server]:
    listener = listen("127.0.0.1", 0)
    url = url_of(listener)
    rt = replace(rt, settings=replace(rt.settings, public_url=url))
    api = admin_api.app.create(rt, per_minute=per_minute, **live)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with api.router.lifespan_context(api):
            yield

    async with serving(Starlette(routes=[Mount("/api/v1", api)], lifespan=lifespan), listener):
        yield Server(rt, url)


@pytest.fixture(scope="module")
async def server(rt: Runtime) -> AsyncIterator[Server]:
    async with open_server(rt) as opened:
        yield opened


@pytest.fixture(scope="module")
async def hasty(rt: Runtime) -> AsyncIterator[Server]:
    async with open_server(rt, patience=HASTE, most_followers=3) as opened:
        yield opened


@pytest.fixture
async def mine(open_business: Callable[..., Awaitable[Business]]) -> Business:
    """Nothing has happened there but what the test does."""
    return await open_business()


async def note(business: Business, name: str, count: int = 1) -> None:
    async with business.rt.db.transaction(business.id) as tx:
        for n in range(count):
            await events.add(tx, f"note.{name}", None, None, n=n)


# --- what is seen ---


async def test_a_conversation_as_it_happens(server: Server, mine: Business) -> None:
    async with server.follow(mine) as follower:
        customer = await mine.customer("Hi, are you open on Saturday? 🙂 ¿Y el domingo?")
        opened, received = await follower.until_n(2)
        assert [one["kind"] for one in follower.seen] == ["conversation.opened", "message.received"]
        assert received["data"]["text"] == "Hi, are you open on Saturday? 🙂 ¿Y el domingo?"
        assert received["data"]["id"] == received["subject_id"]
        assert opened["data"]["id"] == opened["conversation_id"] == str(customer.conversation_id)
        draft_id = await customer.draft("From nine to one.")
        proposed = await follower.until("draft.proposed")
        assert (proposed["data"]["text"], proposed["data"]["state"]) == ("From nine to one.", "pending")
        api = f"{server.url}{mine.path()}"
        sent = await mine.rt.http.post(f"{api}/drafts/{draft_id}/approve", headers=mine.key())
        assert sent.status_code == 200
        assert (await follower.until("message.queued"))["data"]["draft_id"] == str(draft_id)
        taken = await mine.rt.http.post(f"{server.url}{customer.path}/takeover", headers=mine.key())
        assert taken.status_code == 200
        handed = await follower.until("conversation.handed_over")
        assert handed["data"] == taken.json()
        cancelled = await follower.until("delivery.cancelled")
        assert cancelled["data"]["deliveries"][0]["state"] == "cancelled"


async def test_an_event_shows_what_the_api_shows(server: Server, mine: Business) -> None:
    async with server.follow(mine) as follower:
        customer = await mine.customer("hello")
        await follower.until_n(2)
    answer = await mine.rt.http.get(f"{server.url}{customer.path}/messages", headers=mine.key())
    assert follower.seen[1]["data"] == answer.json()["items"][0]
    assert set(follower.seen[1]) == {
        "type", "cursor", "kind", "at", "conversation_id", "subject_id", "details", "data"
    }  # fmt: skip


async def test_nobody_sees_anothers(server: Server, mine: Business, other: Business) -> None:
    async with server.follow(mine) as follower, server.follow(other) as stranger:
        await mine.customer("only for Cedar")
        await follower.until_n(2)
        await note(other, "own")
        assert (await stranger.until("note.own"))["data"] is None
    assert [one["kind"] for one in stranger.seen] == ["note.own"]


async def test_what_a_person_is_told_is_theirs(server: Server, mine: Business) -> None:
    async with server.follow(mine, key="owner") as owner, server.follow(mine, key="agent") as agent:
        async with mine.rt.db.transaction(mine.id) as tx:
            await notifications.add(tx, notifications.Kind.HANDOFF, person_id=mine.persons["owner"])
        await note(mine, "for all")
        await owner.until("note.for all")
        await agent.until("note.for all")
    assert [one["kind"] for one in owner.seen] == ["notification.added", "note.for all"]
    assert [one["kind"] for one in agent.seen] == ["note.for all"]


async def test_all_see_the_same_in_the_same_order(server: Server, mine: Business) -> None:
    async with AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(server.follow(mine)) for _ in range(3)]
        await asyncio.gather(*(note(mine, f"n{n}", 3) for n in range(10)))
        seen = [await one.until_n(30) for one in followers]
    assert seen[0] == seen[1] == seen[2]
    assert len({one["cursor"].rpartition(".")[0] for one in seen[0]}) == 30


# --- coming back ---


async def test_who_comes_back_misses_nothing_and_hears_nothing_twice(server: Server, mine: Business) -> None:
    cursor, got = "", list[int]()
    for times in range(4):
        async with server.follow(mine, after=cursor or "0") as follower:
            await note(mine, "while here", 40)
            wanted = 40 if times == 0 else 130
            seen = await follower.until_n(min(wanted, 70))
            cursor = seen[-1]["cursor"]
            got += [one["details"]["n"] for one in seen]
        await note(mine, "while away", 90)
    async with server.follow(mine, after=cursor) as follower:
        left = 4 * 130 - len(got)
        got += [one["details"]["n"] for one in await follower.until_n(left)]
    assert got == [*range(40), *range(90)] * 4


async def test_far_behind_and_live_at_once(server: Server, mine: Business) -> None:
    """More than a hall keeps, and more than a page."""
    await note(mine, "old", 730)
    async with server.follow(mine) as live, server.follow(mine, after="0") as behind:
        await note(mine, "new", 3)
        assert [one["kind"] for one in await live.until_n(3)] == ["note.new"] * 3
        everything = await behind.until_n(733)
    assert [one["details"]["n"] for one in everything] == [*range(730), 0, 1, 2]


@pytest.mark.parametrize("after", ["x", "1", "-1", "1.2", "1.2.3.4", "%00", "9" * 400])
async def test_what_is_no_cursor(server: Server, mine: Business, after: str) -> None:
    answer = await server.refused(mine, query=f"?after={after}", additional_headers=mine.key())
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")
    assert answer.json()["errors"][0]["pointer"] == "/query/after"


@pytest.mark.parametrize(
    ("cursor", "missed"),
    [
        (None, False),
        ("0", False),
        (events.write(Place(1, 1), datetime.now(UTC) - timedelta(days=31)), True),
        (events.write(Place(1, 1), datetime.now(UTC) - timedelta(days=29)), False),
        (events.write(Place(2**58, 1), datetime.now(UTC)), True),
    ],
    ids=["none", "the beginning", "pruned since", "kept", "from another log"],
)
async def test_who_may_have_missed_something_is_told(
    server: Server, mine: Business, cursor: str | None, missed: bool
) -> None:
    async with server.socket(
        mine, f"?after={cursor}" if cursor else "", additional_headers=mine.key()
    ) as socket:
        ready = await Follower(socket).next()
        assert (ready["type"], ready["missed"]) == ("ready", missed)
        await note(mine, "still heard")
        assert (await Follower(socket).next())["kind"] == "note.still heard"


# --- who may ---


async def test_a_page_says_who_it_is_in_the_first_frame(server: Server, mine: Business) -> None:
    async with server.socket(mine, origin=server.url) as socket:
        await socket.send(json.dumps({"type": "auth", "token": mine.keys["viewer"]}))
        follower = Follower(socket)
        assert (await follower.next())["type"] == "ready"
        await note(mine, "seen")
        await follower.until("note.seen")


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
async def test_a_program_says_it_in_a_header(server: Server, mine: Business, header: str) -> None:
    said = mine.keys["reader"] if header == "X-API-Key" else f"Bearer {mine.keys['reader']}"
    async with server.socket(mine, ws=mine.slug, additional_headers={header: said}) as socket:
        assert (await Follower(socket).next())["type"] == "ready"


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [("nonsense", 401, 4401), ("expired", 401, 4401), ("revoked", 401, 4401), ("nothing", 403, 4403)],
)
async def test_who_may_not(server: Server, mine: Business, key: str, status: int, code: int) -> None:
    said = mine.keys.get(key, "fd_nonsense")
    answer = await server.refused(mine, additional_headers={"X-API-Key": said})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    async with server.socket(mine) as socket:
        await socket.send(json.dumps({"type": "auth", "token": said}))
        assert await Follower(socket).closed() == code


async def test_another_workspace_is_not_there(server: Server, mine: Business, other: Business) -> None:
    answer = await server.refused(mine, ws=str(other.id), additional_headers=mine.key())
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    async with server.socket(mine, ws=str(other.id)) as socket:
        await socket.send(json.dumps({"type": "auth", "token": mine.keys["agent"]}))
        assert await Follower(socket).closed() == 4404


@pytest.mark.parametrize("name", ["token", "key", "api_key", "access_token", "TOKEN"])
async def test_a_key_in_the_address_is_refused_even_if_it_is_right(
    server: Server, mine: Business, name: str
) -> None:
    answer = await server.refused(mine, query=f"?{name}={mine.keys['agent']}", additional_headers=mine.key())
    assert answer.status_code == 422
    assert "first frame" in answer.json()["errors"][0]["detail"]
    assert mine.keys["agent"] not in answer.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
async def test_another_sites_page_gets_no_socket(server: Server, mine: Business, origin: str) -> None:
    answer = await server.refused(mine, origin=origin, additional_headers=mine.key())
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_origin")


@pytest.mark.parametrize(
    "first",
    ["{", "[]", "[" * 7_000, b"\x00\x01", '{"type":"hello"}', '{"type":"auth"}', '{"type":"auth","token":7}',
     '{"type":"auth","token":"' + "x" * 9_000 + '"}'],
    ids=["broken", "list", "deep", "binary", "another", "no token", "number", "long"],
)  # fmt: skip
async def test_a_first_frame_that_says_nothing(server: Server, mine: Business, first: str | bytes) -> None:
    async with server.socket(mine) as socket:
        await socket.send(first)
        assert await Follower(socket).closed() == 4400


async def test_who_says_nothing_is_let_go(hasty: Server, mine: Business) -> None:
    async with hasty.socket(mine) as socket:
        assert await Follower(socket).closed() == 4408


async def test_a_key_that_is_revoked_hears_nothing_more(hasty: Server, mine: Business) -> None:
    async with hasty.follow(mine, key="program") as revoked, hasty.follow(mine) as other:
        async with mine.rt.db.transaction(mine.id) as tx:
            await people.revoke_keys_named(tx, "program")
        assert await revoked.closed() == 4401
        await note(mine, "later")
        await other.until("note.later")
    assert revoked.seen == []


async def test_looking_again_uses_up_the_rate_and_ends_nobody(rt: Runtime, mine: Business) -> None:
    async with open_server(rt, per_minute=2, patience=HASTE) as server, server.follow(mine) as follower:
        await asyncio.sleep(1)
        await note(mine, "still")
        await follower.until("note.still")


@pytest.mark.parametrize("frame", ["{", '{"type":"auth","token":"x"}', '{"type":"message"}', b"\x00"])
async def test_a_follower_has_nothing_to_say(server: Server, mine: Business, frame: str | bytes) -> None:
    async with server.follow(mine) as follower:
        await follower.socket.send('{"type":"ping"}')
        await follower.socket.send(frame)
        assert await follower.closed() == 4400


# --- how many, how slow ---


async def test_a_workspace_is_not_followed_without_end(
    hasty: Server, mine: Business, other: Business
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(hasty.follow(mine))
        answer = await hasty.refused(mine, additional_headers=mine.key())
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
        async with hasty.socket(mine) as socket:
            await socket.send(json.dumps({"type": "auth", "token": mine.keys["agent"]}))
            assert await Follower(socket).closed() == 4429
        async with hasty.follow(other):
            pass
    async with hasty.follow(mine):
        pass


async def test_a_sign_of_life_while_nothing_happens(hasty: Server, mine: Business) -> None:
    async with hasty.follow(mine) as follower:
        await note(mine, "one")
        while len(follower.beats) < 2:
            await follower.next()
    assert follower.beats[-1]["cursor"] == follower.seen[-1]["cursor"]


async def test_who_reads_too_slowly_is_let_go_and_nobody_else_waits(hasty: Server, mine: Business) -> None:
    narrow = socket_module.socket()
    narrow.setsockopt(socket_module.SOL_SOCKET, socket_module.SO_RCVBUF, 4096)
    where = urlsplit(hasty.url)
    narrow.connect((where.hostname, where.port))
    async with (
        hasty.follow(mine, max_size=None) as quick,
        hasty.follow(mine, sock=narrow, max_queue=1, max_size=None) as slow,
    ):
        slow.socket.transport.pause_reading()
        for n in range(8):
            await mine.customer(f"{n} " + "x" * 800_000)
        assert len(await quick.until_n(16)) == 16
        await asyncio.sleep(3)  # stalled, and then asked to close in vain
        slow.socket.transport.resume_reading()
        await slow.closed()
        assert len(slow.seen) < 16
    cursor = slow.seen[-1]["cursor"] if slow.seen else "0"
    async with hasty.follow(mine, after=cursor, max_size=None) as again:
        await again.until_n(16 - len(slow.seen))
    assert [one["cursor"] for one in slow.seen + again.seen] == [one["cursor"] for one in quick.seen]


# --- from other processes ---


async def test_what_another_process_writes_is_seen_without_waiting_for_the_poll(
    rt: Runtime, mine: Business, redis: EmbeddedRedis
) -> None:
    settings = replace(rt.settings, redis_url=redis.url, poll_s=60)
    async with (
        open_runtime(settings) as here,
        open_runtime(settings) as elsewhere,
        open_server(here) as server,
        server.follow(mine) as follower,
    ):
        while not follower.seen:  # until the subscription stands
            await note(mine, "written")
            await elsewhere.wake.wake("deliveries")
            with contextlib.suppress(TimeoutError):
                await follower.next(0.5)
        assert follower.seen[0]["kind"] == "note.written"


async def test_what_nobody_hinted_at_is_found_by_the_poll(server: Server, mine: Business) -> None:
    async with server.follow(mine) as follower:
        for n in range(3):
            await note(mine, f"n{n}")
            await follower.until(f"note.n{n}")
