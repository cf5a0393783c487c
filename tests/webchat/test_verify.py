"""A visitor shows that a number is theirs, and then they are one customer; nobody learns anything on the way."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from domain.messages import Address, Scheme
from store import channels, contacts, merges
from tests.rig import QUESTION, Desk, new_number
from tests.webchat.chat_rig import Chat, Json, open_chat

MakeDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def token(chat: Chat) -> str:
    return str((await chat.session())["token"])


async def ask(chat: Chat, token: str, to: str) -> Any:
    return await chat.post("chat", {"type": "verify", "to": to}, token=token)


async def answer(chat: Chat, token: str, code: str) -> Any:
    return await chat.post("chat", {"type": "code", "code": code}, token=token)


async def code_at(chat: Chat, handset: str) -> str:
    """The newest code on this telephone."""
    await chat.desk.settle()
    found = re.search(r"\b\d{6}\b", chat.desk.ledger(handset)[-1])
    assert found is not None
    return found[0]


async def verify(chat: Chat, token: str, handset: str) -> None:
    assert (await ask(chat, token, handset)).json() == {"type": "verify", "state": "sent"}
    assert (await answer(chat, token, await code_at(chat, handset))).json() == {"type": "verified"}


async def who(chat: Chat, handset: str) -> contacts.Contact:
    async with chat.desk.rt.db.transaction(chat.desk.workspace_id) as tx:
        (found,) = await contacts.find(tx, [Address(Scheme.TEL, handset)])
    return found


async def texts(chat: Chat, words: str, handset: str) -> None:
    """By text message, to the business's number."""
    desk = chat.desk
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        sms = next(one for one in await channels.listed(tx) if one.kind == "twilio_sms")
    state = desk.stage.provider.state
    url = f"{desk.rt.settings.public_url}/channels/{sms.id}/messages"
    state.add_number(desk.credentials["account_sid"], sms.address, {"SmsUrl": url})
    body = {"to": sms.address, "body": words, "times": 1}
    reply = await desk.rt.http.post(f"{desk.stage.provider.url}/sim/handsets/{handset}/messages", json=body)
    assert reply.status_code == 200, reply.text
    await desk.settle()


# --- it works ---


@pytest.mark.parametrize("written_first", [False, True])
async def test_a_visitor_becomes_the_customer_of_the_number(
    chat: Chat, token: str, written_first: bool
) -> None:
    handset = new_number()
    await texts(chat, QUESTION, handset)
    before = await who(chat, handset)
    if written_first:
        await chat.post(
            "chat", {"type": "message", "id": "m1", "text": "Are you open on Saturday?"}, token=token
        )
    await verify(chat, token, handset)
    found = await who(chat, handset)
    assert found.id == before.id
    assert {one.address.scheme for one in found.known} == {Scheme.TEL, Scheme.WEBCHAT}
    assert all(one.verified_at is not None for one in found.known)
    await chat.post("chat", {"type": "message", "id": "m2", "text": QUESTION}, token=token)
    await chat.desk.settle()
    said = (await chat.get(0, token)).json()["frames"]
    assert said[-1]["author"] == "assistant"
    talks = await chat.desk.rows("select id from conversation where state <> 'closed'")
    assert len(talks) == 1


async def test_over_the_socket_too(chat: Chat, token: str) -> None:
    handset = new_number()
    async with chat.tab(token) as tab:
        await tab.send(type="verify", to=f"({handset[2:5]}) {handset[5:8]}-{handset[8:]}")
        assert await tab.until(lambda one: one["type"] == "verify") == {"type": "verify", "state": "sent"}
        code = await code_at(chat, handset)
        await tab.send(type="code", code=str((int(code) + 1) % 1_000_000).zfill(6))
        assert (await tab.until(lambda one: one["type"] == "error"))["code"] == "wrong_code"
        await tab.send(type="code", code=f" {code[:3]} {code[3:]} ")
        assert await tab.until(lambda one: one["type"] == "verified") == {"type": "verified"}


async def test_another_number_later_is_another_person(chat: Chat, token: str) -> None:
    """A browser that two people use: the first one's conversation stays theirs."""
    ann, bob = new_number(), new_number()
    for handset in (ann, bob):
        await texts(chat, QUESTION, handset)
        await verify(chat, token, handset)
    a, b = await who(chat, ann), await who(chat, bob)
    assert a.id != b.id
    assert ({one.address.scheme for one in a.known}, {one.address.scheme for one in b.known}) == (
        {Scheme.TEL},
        {Scheme.TEL, Scheme.WEBCHAT},
    )


async def test_it_can_be_taken_back_by_a_person(chat: Chat, token: str) -> None:
    handset = new_number()
    await texts(chat, QUESTION, handset)
    await verify(chat, token, handset)
    found = await who(chat, handset)
    visitor = next(one for one in found.known if one.address.scheme is Scheme.WEBCHAT)
    async with chat.desk.rt.db.transaction(chat.desk.workspace_id) as tx:
        await merges.unmerge(tx, visitor.contact_id, "person:test")
    assert {one.address.scheme for one in (await who(chat, handset)).known} == {Scheme.TEL}


async def test_the_code_is_nowhere_to_be_read(chat: Chat, token: str) -> None:
    handset = new_number()
    await ask(chat, token, handset)
    code = await code_at(chat, handset)
    assert all(code not in one.text for one in await chat.desk.messages())
    (row,) = await chat.desk.rows("select code_hash from verification")
    assert code.encode() not in bytes(row.code_hash)


# --- it says nothing and gives nothing away ---


async def test_the_answer_is_the_same_whoever_the_number_is(chat: Chat) -> None:
    known, unknown, out = new_number(), new_number(), new_number()
    await texts(chat, QUESTION, known)
    await texts(chat, "STOP", out)
    before = len(chat.desk.ledger(out))
    said = []
    for handset in (known, unknown, out):
        token = (await chat.session())["token"]
        reply = await ask(chat, token, handset)
        said.append((reply.status_code, reply.text))
        await chat.desk.settle()
    assert said == [(200, said[0][1])] * 3
    assert len(chat.desk.ledger(out)) == before  # the gate: nothing to who has opted out
    assert re.search(r"\d{6}", chat.desk.ledger(unknown)[-1])


async def test_five_wrong_tries_are_the_end_of_a_code(chat: Chat, token: str) -> None:
    handset = new_number()
    await ask(chat, token, handset)
    code = await code_at(chat, handset)
    wrong = [str((int(code) + n) % 1_000_000).zfill(6) for n in range(1, 6)]
    said = [(await answer(chat, token, one)).json()["code"] for one in wrong]
    assert said == ["wrong_code"] * 4 + ["code_expired"]
    assert (await answer(chat, token, code)).json()["code"] == "code_expired"


async def test_tries_at_once_are_counted(chat: Chat, token: str) -> None:
    handset = new_number()
    await ask(chat, token, handset)
    code = await code_at(chat, handset)
    wrong = [str((int(code) + n) % 1_000_000).zfill(6) for n in range(1, 9)]
    await asyncio.gather(*(answer(chat, token, one) for one in wrong))
    assert (await answer(chat, token, code)).json()["code"] == "code_expired"


async def test_a_code_is_good_for_ten_minutes_once_and_for_its_visitor(chat: Chat, token: str) -> None:
    handset, stranger = new_number(), (await chat.session())["token"]
    await ask(chat, token, handset)
    code = await code_at(chat, handset)
    assert (await answer(chat, stranger, code)).json()["code"] == "code_expired"
    chat.desk.wait(minutes=11)
    assert (await answer(chat, token, code)).json()["code"] == "code_expired"
    await verify(chat, token, handset)
    assert (await answer(chat, token, await code_at(chat, handset))).json()["code"] == "code_expired"


async def test_only_the_newest_code_counts(chat: Chat, token: str) -> None:
    handset = new_number()
    await ask(chat, token, handset)
    first = await code_at(chat, handset)
    await ask(chat, token, handset)
    second = await code_at(chat, handset)
    if first != second:
        assert (await answer(chat, token, first)).json()["code"] == "wrong_code"
    assert (await answer(chat, token, second)).json() == {"type": "verified"}


async def test_a_visitor_and_a_telephone_have_had_enough(chat: Chat, token: str) -> None:
    handset = new_number()
    said = [(await ask(chat, token, handset)).status_code for _ in range(4)]
    assert said == [200, 200, 200, 429]
    other = (await chat.session())["token"]
    reply = await ask(chat, other, handset)
    assert (reply.status_code, reply.json()["code"]) == (429, "too_many_requests")
    assert int(reply.headers["retry-after"]) > 0
    assert (await ask(chat, other, new_number())).status_code == 200
    chat.desk.wait(minutes=31)
    assert (await ask(chat, other, handset)).status_code == 200


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("hello there", "no_number"),
        ("+44 20 7946 0958", "no_number"),
        ("+1900", "no_number"),
        ("ann@example.com", "no_way"),
        ("🙂🙂🙂🙂", "no_number"),
        ("1" * 200, "no_number"),
    ],
)
async def test_what_no_code_can_be_sent_to(chat: Chat, token: str, to: str, code: str) -> None:
    reply = await ask(chat, token, to)
    assert (reply.status_code, reply.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    "frame",
    [{"type": "verify"}, {"type": "verify", "to": 5}, {"type": "verify", "to": ""}, {"type": "code"},
     {"type": "code", "code": "12345"}, {"type": "code", "code": "١٢٣٤٥٦"}, {"type": "code", "code": 123456}],
)  # fmt: skip
async def test_frames_that_are_none(chat: Chat, token: str, frame: Json) -> None:
    assert (await chat.post("chat", frame, token=token)).status_code == 400


async def test_a_business_without_text_messages_says_so(make_desk: MakeDesk, chat: Chat) -> None:
    alone = await open_chat(chat.desk.stage)
    async with alone.desk.rt.db.transaction(alone.desk.workspace_id) as tx:
        await tx.execute(text("update channel set state = 'suspended' where kind = 'twilio_sms'"))
    token = (await alone.session())["token"]
    assert (await ask(alone, token, new_number())).json()["code"] == "no_way"


async def test_at_night_a_code_that_was_asked_for_arrives(chat: Chat, token: str) -> None:
    chat.desk.wait(hours=13)
    handset = new_number()
    await ask(chat, token, handset)
    assert await code_at(chat, handset)
