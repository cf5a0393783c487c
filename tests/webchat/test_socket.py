"""The socket, over real uvicorn: nothing is lost, nothing comes twice, nobody holds up anybody."""

import asyncio
import contextlib
import json
import socket as socket_module
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from channels.webchat_rooms import MOST_TABS
from channels.webchat_socket import Patience
from runtime.wake import LocalWake
from store import conversations
from store.db import new_id
from tests.rig import NOBODY, QUESTION
from tests.webchat.chat_rig import Chat, Tab, another_door, url_of


async def test_a_question_is_stored_acked_answered_and_seen(chat: Chat) -> None:
    said = await chat.session()
    async with chat.tab(said["token"]) as tab:
        ack = await tab.say(QUESTION, "one")
        assert (ack["type"], ack["seq"]) == ("ack", 1)
        await chat.desk.settle()
        mine, answer = await tab.until_seq(2)
        assert (mine["author"], mine["text"], mine["id"]) == ("visitor", QUESTION, "one")
        assert answer["author"] == "assistant"
        assert "8" in answer["text"]
        assert await chat.desk.states() == ["accepted"]


async def says(chat: Chat, words: str) -> None:
    """A person of the business writes, and it is delivered."""
    await chat.desk.person_writes(words)
    await chat.desk.settle()


async def test_acks_and_reads_move_the_delivery_forward_only(chat: Chat) -> None:
    async with chat.tab((await chat.session())["token"]) as tab:
        await tab.say(QUESTION)
        await chat.desk.settle()
        await tab.until_seq(2)
        for frame, state in (("ack", "delivered"), ("read", "read"), ("ack", "read")):
            await tab.send(type=frame, seq=2)
            await tab.send(type="ping")
            await tab.until(lambda one: one["type"] == "pong")
            assert await chat.desk.states() == [state]


async def test_who_comes_back_gets_what_was_missed_without_gap_or_repeat(chat: Chat) -> None:
    token = (await chat.session())["token"]
    async with chat.tab(token) as tab:
        await tab.say("hello", "a")
        await tab.until_seq(1)
    for n in range(9):
        await chat.desk.person_writes(f"line {n}")
    await chat.desk.settle()
    assert set(await chat.desk.states()) == {"accepted"}, "nobody is there: it waits, and holds up nothing"
    said = await chat.session(token)
    assert said["last_seq"] == 10
    async with another_door(chat, page=4) as door, door.tab(said["token"], after=1) as tab:
        seen = await tab.until_seq(10)
    assert [one["seq"] for one in seen] == list(range(2, 11))
    assert [one["text"] for one in seen] == [f"line {n}" for n in range(9)]


async def test_an_answer_that_leaves_after_a_later_message_is_not_missed(chat: Chat) -> None:
    """Its seq in the conversation is older; what the visitor counts is when it was shown."""
    token = (await chat.session())["token"]
    async with chat.tab(token) as tab:
        await tab.say("hello", "a")
        await chat.desk.person_writes("first")
        await tab.say("and then?", "b")
        await tab.until_seq(2)
    await chat.desk.deliver()
    async with chat.tab(token, after=2) as tab:
        (late,) = await tab.until_seq(3)
    assert late["text"] == "first"


async def test_the_same_id_again_is_the_same_message(chat: Chat) -> None:
    token = (await chat.session())["token"]
    async with chat.tab(token) as one, chat.tab(token) as two:
        acks = [await one.say("hello", "same") for _ in range(3)]
        acks.append(await two.say("hello", "same"))
        reply = await chat.post("chat", {"text": "hello"}, token=token, **{"Idempotency-Key": "same"})
        assert [ack["seq"] for ack in acks] + [reply.json()["seq"]] == [1] * 5
    assert [one.text for one in await chat.desk.messages()] == ["hello"]


async def test_the_same_id_ten_times_at_once_is_one_message(chat: Chat) -> None:
    token = (await chat.session())["token"]
    replies = await asyncio.gather(
        *(chat.post("chat", {"id": "x", "text": "hi"}, token=token) for _ in range(10))
    )
    assert {(reply.status_code, reply.json()["seq"]) for reply in replies} == {(201, 1)}
    assert len(await chat.desk.messages()) == 1


async def test_two_tabs_both_see_everything(chat: Chat) -> None:
    token = (await chat.session())["token"]
    async with chat.tab(token) as one, chat.tab(token) as two:
        await one.say("from one")
        await two.say("from two")
        await says(chat, "from us")
        assert [m["text"] for m in await one.until_seq(3)] == ["from one", "from two", "from us"]
        assert [m["text"] for m in await two.until_seq(3)] == ["from one", "from two", "from us"]


async def test_a_conversation_that_is_closed_does_not_start_the_count_again(chat: Chat) -> None:
    async with chat.tab((await chat.session())["token"]) as tab:
        await tab.say("first visit")
        found = await chat.desk.conversation()
        async with chat.desk.rt.db.transaction(chat.desk.workspace_id) as tx:
            await conversations.close(tx, found.id, "test")
        assert (await tab.say("second visit"))["seq"] == 2
        assert [one["seq"] for one in await tab.until_seq(2)] == [1, 2]
    assert len(await chat.desk.rows("select id from conversation")) == 2


async def test_a_person_takes_over_and_the_visitor_is_told(chat: Chat) -> None:
    async with chat.tab((await chat.session())["token"]) as tab:
        await tab.say("hello")
        await tab.until_seq(1)
        await says(chat, "This is Kim.")
        status = await tab.until(lambda one: one["type"] == "status")
        assert status["owner"] == "human"
        assert (await tab.until_seq(2))[-1]["author"] == "person"


async def test_a_hint_that_is_lost_is_made_up_for_by_the_poll(chat: Chat) -> None:
    token = (await chat.session())["token"]
    async with another_door(chat, LocalWake()) as deaf, deaf.tab(token) as tab:
        await tab.say("hello")
        await tab.until_seq(1)
        await says(chat, "still there?")
        assert (await tab.until_seq(2))[-1]["text"] == "still there?"


# --- what is refused, and how ---


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://cedar.example.evil.example", "http://cedar.example"]
)
async def test_another_sites_page_gets_no_socket(chat: Chat, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with chat.socket(origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_a_channel_that_is_not_there_or_not_a_chat(chat: Chat) -> None:
    for url in (url_of(chat.desk.stage, new_id()), chat.desk.url("").rstrip("/")):
        with pytest.raises(InvalidStatus) as refused:
            async with Chat(chat.desk, url).socket():
                pass
        assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (json.dumps({"type": "auth", "token": "nonsense"}), 4401),
        (json.dumps({"type": "message", "id": "1", "text": "let me in"}), 4401),
        ("{", 4401),
        (b"\x00\x01", 1003),
    ],
)
async def test_who_does_not_say_who_they_are_is_let_go(chat: Chat, first: str | bytes, code: int) -> None:
    async with chat.socket() as socket:
        await socket.send(first)
        assert await Tab(socket).closed() == code
    assert await chat.desk.messages() == []


async def test_who_says_nothing_is_let_go(chat: Chat) -> None:
    async with another_door(chat, patience=Patience(auth_s=0.1)) as door, door.socket() as socket:
        assert await Tab(socket).closed() == 4408


async def test_a_token_that_has_expired_opens_no_socket_but_a_session(chat: Chat) -> None:
    said = await chat.session()
    async with chat.tab(said["token"]) as tab:
        await tab.say("hello")
    chat.desk.wait(hours=25)
    async with chat.socket() as socket:
        await socket.send(json.dumps({"type": "auth", "token": said["token"]}))
        assert await Tab(socket).closed() == 4401
    again = await chat.session(said["token"])
    assert (again["last_seq"], again["token"] != said["token"]) == (1, True)
    chat.desk.wait(days=31)
    assert (await chat.session(again["token"]))["last_seq"] == 0, "a stranger again"


async def test_a_binary_frame_ends_the_socket(chat: Chat) -> None:
    async with chat.tab((await chat.session())["token"]) as tab:
        await tab.socket.send(b"hello")
        assert await tab.closed() == 1003


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "bad_json"),
        ("[" * 5000, "bad_json"),
        ("[]", "bad_frame"),
        ('{"type":"nonsense"}', "bad_frame"),
        ('{"type":"message","text":"without an id"}', "bad_frame"),
        ('{"type":"message","id":"1","text":"  "}', "empty"),
        (json.dumps({"type": "message", "id": "1", "text": "x" * 10_001}), "too_long"),
        (
            json.dumps({"type": "message", "id": "1", "text": "", "attachments": [NOBODY]}),
            "no_such_file",
        ),
    ],
)
async def test_a_wrong_frame_is_answered_and_the_socket_lives(chat: Chat, frame: str, code: str) -> None:
    async with chat.tab((await chat.session())["token"]) as tab:
        await tab.socket.send(frame)
        assert (await tab.until(lambda one: one["type"] == "error"))["code"] == code
        assert (await tab.say("still here"))["type"] == "ack"
    assert [one.text for one in await chat.desk.messages()] == ["still here"]


async def test_a_frame_that_is_too_large_ends_the_socket(chat: Chat) -> None:
    async with chat.tab((await chat.session())["token"]) as tab:
        await tab.socket.send(json.dumps({"type": "message", "id": "1", "text": "x" * 140_000}))
        assert await tab.closed() == 1009


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "😀" * 10_000,
        "👩‍👩‍👧‍👦 ñandú \u202eright to left \u200b",
        "<script>alert(1)</script>\n\n& 'quotes' \"\"",
        "a\tb",
    ],
    ids=["long", "emoji", "odd", "markup", "tab"],
)
async def test_words_arrive_as_they_were_written(chat: Chat, text: str) -> None:
    async with chat.tab((await chat.session())["token"]) as tab:
        assert (await tab.say(text))["type"] == "ack"
        assert (await tab.until_seq(1))[0]["text"] == text
    assert [one.text for one in await chat.desk.messages()] == [text]


async def test_what_cannot_be_stored_is_cleaned(chat: Chat) -> None:
    async with chat.tab((await chat.session())["token"]) as tab:
        await tab.socket.send('{"type":"message","id":"1","text":"a\\u0000b\\ud800c"}')
        assert (await tab.until_seq(1))[0]["text"] == "ab\ufffdc"


async def test_a_flood_is_refused_with_a_time_and_then_ended(chat: Chat) -> None:
    async with chat.tab((await chat.session())["token"]) as tab:
        for n in range(12):
            assert (await tab.say(f"message {n}"))["type"] == "ack"
        refused = await tab.say("one too many", "more")
        assert (refused["code"], refused["id"], refused["retry_after"] > 0) == (
            "too_many_requests",
            "more",
            True,
        )
        for n in range(80):
            await tab.send(type="message", id=f"flood-{n}", text="flood")
        assert await tab.closed() == 4429
    assert len(await chat.desk.messages()) < 20


async def test_a_chat_cannot_be_open_without_end(chat: Chat) -> None:
    token = (await chat.session())["token"]
    async with AsyncExitStack() as stack:
        for _ in range(MOST_TABS):
            await stack.enter_async_context(chat.tab(token))
        socket = await stack.enter_async_context(chat.socket())
        await socket.send(json.dumps({"type": "auth", "token": token}))
        assert await Tab(socket).closed() == 4429


async def test_who_reads_too_slowly_is_let_go_and_resumes_and_nobody_else_waits(chat: Chat) -> None:
    async with another_door(chat, patience=Patience(stalled_s=0.5)) as door:
        await slow_and_quick(door)


async def slow_and_quick(chat: Chat) -> None:
    token = (await chat.session())["token"]
    narrow = socket_module.socket()
    narrow.setsockopt(socket_module.SOL_SOCKET, socket_module.SO_RCVBUF, 4096)
    where = urlsplit(chat.url)
    narrow.connect((where.hostname, where.port))
    async with (
        chat.tab(token, max_size=None) as quick,
        chat.tab(token, sock=narrow, max_queue=1, max_size=None) as slow,
    ):
        await quick.say("hello")
        slow.socket.transport.pause_reading()
        for n in range(11):
            await chat.desk.person_writes(f"{n} " + "x" * 800_000)
        delivering = asyncio.create_task(chat.desk.settle())
        assert len(await quick.until_seq(12)) == 12
        await delivering
        await asyncio.sleep(4)  # stalled, and then asked to close in vain
        slow.socket.transport.resume_reading()
        with contextlib.suppress(ConnectionClosed):
            while True:
                await slow.next()
        reached = slow.seen[-1]["seq"]
        assert reached < 12
    async with chat.tab(token, after=reached, max_size=None) as again:
        await again.until_seq(12)
    assert [one["seq"] for one in slow.seen + again.seen] == list(range(1, 13))
