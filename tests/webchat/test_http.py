"""Sessions, files, and the same chat without a socket."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from store import erasure
from store.db import new_id
from tests.rig import QUESTION
from tests.webchat.chat_rig import SITE, Chat, heads, url_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200


async def upload(
    chat: Chat, token: str, data: bytes = PNG, kind: str = "image/png", name: str = "tooth.png"
) -> Any:
    files = {"file": (name, data, kind)}
    return await chat.desk.rt.http.post(f"{chat.url}/files", files=files, headers=heads(token, SITE))


# --- sessions ---


async def test_a_session_begins_greets_and_leaves_no_trace(chat: Chat) -> None:
    said = await chat.session()
    assert (said["last_seq"], said["conversation"], said["business"]) == (0, None, "Cedar Dental")
    assert "automated assistant" in said["greeting"]
    assert await chat.desk.rows("select id from contact") == []


async def test_a_session_is_resumed_under_a_new_token(chat: Chat) -> None:
    first = await chat.session(name="Ann")
    ack = await chat.post("chat", {"id": "1", "text": "hello"}, token=first["token"])
    assert (ack.status_code, ack.json()) == (201, {"type": "ack", "id": "1", "seq": 1})
    again = await chat.session(first["token"])
    assert (again["last_seq"], again["token"] != first["token"]) == (1, True)
    assert again["conversation"] == str((await chat.desk.conversation()).id)
    async with chat.desk.rt.db.transaction(chat.desk.workspace_id) as tx:
        (row,) = await chat.desk.rows("select name from contact")
        assert tx.vault.open("contact.name", bytes(row.name)) == "Ann"


@pytest.mark.parametrize("token", ["nonsense", "", 7, None, "A" * 5000])
async def test_a_token_that_is_none_begins_anew(chat: Chat, token: Any) -> None:
    reply = await chat.post("sessions", {"token": token})
    assert (reply.status_code, reply.json()["last_seq"]) == (200, 0)


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 200), (b"{", 400), (b"[]", 400), (b"\xff\xfe", 400), (b"x" * 200_000, 400)]
)
async def test_a_session_with_any_body(chat: Chat, body: bytes, status: int) -> None:
    reply = await chat.desk.rt.http.post(f"{chat.url}/sessions", content=body, headers=heads("", SITE))
    assert reply.status_code == status


async def test_spanish_where_the_business_speaks_it(chat: Chat) -> None:
    assert (await chat.session(language="es-MX"))["language"] == "en"


async def test_cross_origin_pages_are_let_in_by_name_only(chat: Chat) -> None:
    fine = await chat.desk.rt.http.request("OPTIONS", f"{chat.url}/sessions", headers=heads("", SITE))
    assert (fine.status_code, fine.headers["access-control-allow-origin"]) == (204, SITE)
    assert "access-control-allow-credentials" not in fine.headers
    bad = await chat.post("sessions", {}, origin="https://evil.example")
    assert (bad.status_code, bad.json()["code"]) == (403, "bad_origin")
    assert "access-control-allow-origin" not in bad.headers
    assert (await chat.post("sessions", {}, origin=None)).status_code == 200


async def test_too_many_sessions_from_one_address(chat: Chat) -> None:
    replies = [await chat.post("sessions", {}, **{"X-Forwarded-For": "203.0.113.9"}) for _ in range(22)]
    refused = [one for one in replies if one.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    assert (await chat.post("sessions", {}, **{"X-Forwarded-For": "203.0.113.10"})).status_code == 200


async def test_a_channel_that_is_not_there_or_suspended(chat: Chat) -> None:
    gone = Chat(chat.desk, url_of(chat.desk.stage, new_id()))
    assert (await gone.post("sessions", {})).status_code == 404
    sms = Chat(chat.desk, chat.desk.url("").rstrip("/"))
    assert (await sms.post("sessions", {})).status_code == 404
    webhook = await chat.desk.rt.http.post(f"{chat.url}/messages", data={"Body": "x"})
    assert webhook.status_code == 403, "a chat has no provider"


# --- the chat without a socket ---


async def test_asked_and_answered_by_asking_again(chat: Chat) -> None:
    token = (await chat.session())["token"]
    await chat.post("chat", {"id": "1", "text": QUESTION}, token=token)
    await chat.desk.settle()
    said = (await chat.get(0, token)).json()
    assert [(one["seq"], one["author"]) for one in said["frames"]] == [(1, "visitor"), (2, "assistant")]
    assert (await chat.get(2, token)).json()["frames"] == []
    assert (await chat.post("chat", {"type": "read", "seq": 2}, token=token)).status_code == 204
    assert await chat.desk.states() == ["read"]


@pytest.mark.parametrize(("token", "code"), [("", "token_missing"), ("nonsense", "token_invalid")])
async def test_nothing_without_a_token(chat: Chat, token: str, code: str) -> None:
    for reply in (
        await chat.get(0, token),
        await chat.post("chat", {"id": "1", "text": "x"}, token=token),
        await upload(chat, token),
    ):
        assert (reply.status_code, reply.json()["code"]) == (401, code)


async def test_a_visitor_sees_nothing_of_another(chat: Chat) -> None:
    one, two = (await chat.session())["token"], (await chat.session())["token"]
    await chat.post("chat", {"id": "1", "text": "a secret"}, token=one)
    assert (await chat.get(0, two)).json()["frames"] == []
    await chat.post("chat", {"id": "1", "text": "mine"}, token=two)
    assert [one["text"] for one in (await chat.get(0, two)).json()["frames"]] == ["mine"]


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, "1e3", "٣"])
async def test_an_odd_place_to_resume_from_is_the_beginning(chat: Chat, after: Any) -> None:
    token = (await chat.session())["token"]
    await chat.post("chat", {"id": "1", "text": "hello"}, token=token)
    assert len((await chat.get(after, token)).json()["frames"]) == 1


async def test_events_are_streamed_and_resumed(chat: Chat) -> None:
    token = (await chat.session())["token"]
    await chat.post("chat", {"id": "1", "text": "hello"}, token=token)
    async with listening(chat, token) as events:
        assert (await anext(events))["type"] == "ready"
        assert (await anext(events))["text"] == "hello"
        await chat.desk.person_writes("hi there")
        await chat.desk.settle()
        while (frame := await anext(events))["type"] != "message":
            pass
        assert (frame["seq"], frame["author"]) == (2, "person")
    async with listening(chat, token, {"last-event-id": "1"}) as events:
        assert (await anext(events))["type"] == "ready"
        assert (await anext(events))["seq"] == 2


class listening:
    def __init__(self, chat: Chat, token: str, more: dict[str, str] | None = None) -> None:
        said = heads(token, SITE) | {"accept": "text/event-stream"} | (more or {})
        self._stream = chat.desk.rt.http.stream("GET", f"{chat.url}/chat", headers=said)

    async def __aenter__(self) -> AsyncIterator[dict[str, Any]]:
        reply = await self._stream.__aenter__()
        assert reply.headers["content-type"].startswith("text/event-stream")

        async def events() -> AsyncIterator[dict[str, Any]]:
            async for line in reply.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line[6:])

        return events()

    async def __aexit__(self, *ended: Any) -> None:
        await self._stream.__aexit__(*ended)


# --- files ---


async def test_a_file_goes_with_a_message_sealed_and_once(chat: Chat) -> None:
    token = (await chat.session())["token"]
    reply = await upload(chat, token, name="../../etc/tooth.png")
    assert (reply.status_code, reply.json()["type"]) == (201, "image/png")
    file_id = reply.json()["id"]
    sent = await chat.post("chat", {"id": "1", "text": "look", "attachments": [file_id]}, token=token)
    assert sent.status_code == 201
    (row,) = await chat.desk.rows("select state, sniffed_type, size, path, name from attachment")
    assert (row.state, row.sniffed_type, row.size) == ("stored", "image/png", len(PNG))
    kept = (chat.desk.rt.settings.data_dir / row.path).read_bytes()
    assert PNG not in kept
    async with chat.desk.rt.db.transaction(chat.desk.workspace_id) as tx:
        assert tx.vault.open_bytes("attachment.file", kept) == PNG
        assert tx.vault.open("attachment.name", bytes(row.name)) == "tooth.png"
    (frame,) = (await chat.get(0, token)).json()["frames"]
    assert [(one["type"], one["size"]) for one in frame["attachments"]] == [("image/png", len(PNG))]
    again = await chat.post("chat", {"id": "2", "text": "again", "attachments": [file_id]}, token=token)
    assert (again.status_code, again.json()["code"]) == (422, "no_such_file")
    await chat.desk.settle()
    assert [one.state for one in await chat.desk.rows("select state from attachment")] == ["stored"]


async def test_another_visitors_file_is_not_there(chat: Chat) -> None:
    one, two = (await chat.session())["token"], (await chat.session())["token"]
    file_id = (await upload(chat, one)).json()["id"]
    reply = await chat.post("chat", {"id": "1", "text": "x", "attachments": [file_id]}, token=two)
    assert (reply.status_code, reply.json()["code"]) == (422, "no_such_file")


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b"", "image/png", "empty"),
        (b"MZ\x90\0" + b"\0" * 60, "image/png", "bad_type"),
        (b"<html><script>", "text/html", "bad_type"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * (8 * 1024 * 1024), "image/png", "too_large"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * (9 * 1024 * 1024), "image/png", "too_large"),
    ],
    ids=["empty", "program", "page", "a little too large", "much too large"],
)
async def test_what_is_not_taken(chat: Chat, data: bytes, kind: str, code: str) -> None:
    reply = await upload(chat, (await chat.session())["token"], data, kind)
    assert (reply.status_code, reply.json()["code"]) == (400, code)


async def test_no_multipart_is_no_file(chat: Chat) -> None:
    token = (await chat.session())["token"]
    for headers, content in (
        ({"content-type": "multipart/form-data"}, b"x"),
        ({"content-type": "application/json"}, b"{}"),
        ({}, b""),
    ):
        reply = await chat.desk.rt.http.post(
            f"{chat.url}/files", content=content, headers=heads(token, SITE) | headers
        )
        assert (reply.status_code, reply.json()["code"]) == (400, "bad_form")


async def test_uploads_without_end_are_refused(chat: Chat) -> None:
    token = (await chat.session())["token"]
    statuses = [(await upload(chat, token)).status_code for _ in range(11)]
    assert statuses == [201] * 10 + [429]
    chat.desk.wait(hours=25)
    assert (await upload(chat, (await chat.session(token))["token"])).status_code == 201
    assert len(await chat.desk.rows("select id from visitor_file")) == 1


async def test_an_erased_visitor_leaves_nothing(chat: Chat) -> None:
    token = (await chat.session())["token"]
    file_id = (await upload(chat, token)).json()["id"]
    await upload(chat, token)
    await chat.post("chat", {"id": "1", "text": QUESTION, "attachments": [file_id]}, token=token)
    await chat.desk.settle()
    (contact,) = await chat.desk.rows("select id from contact")
    async with chat.desk.rt.db.transaction(chat.desk.workspace_id) as tx:
        erased = await erasure.erase(tx, contact.id, "test")
    assert len(erased.files) == 2
    for table in ("visitor", "visitor_line", "visitor_file", "message", "contact_address"):
        assert await chat.desk.rows(f"select workspace_id from {table}") == []  # noqa: S608
    assert (await chat.get(0, token)).json()["frames"] == []
    assert (await chat.post("chat", {"id": "2", "text": "hello"}, token=token)).json()["seq"] == 1
