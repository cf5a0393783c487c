"""The door at which every provider knocks, over real HTTP: who may come in, and what no body can do to it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frontdesk.app import create_app
from frontdesk.serving import listen, serving, url_of
from frontdesk.stories.stage import Stage
from runtime.runtime import open_runtime
from tests.rig import NOBODY, QUESTION, Desk, open_desk, sign

MakeDesk = Callable[..., Awaitable[Desk]]
Owner = psycopg.AsyncConnection[Any]
FORM = "application/x-www-form-urlencoded"


async def stored(desk: Desk) -> int:
    """Rows that any webhook could have made in this workspace."""
    tables = ("inbound_receipt", "contact", "contact_address", "conversation", "message", "delivery_event")
    counts = [await desk.rows(f"select count(*) as n from {table}") for table in tables]  # noqa: S608
    return sum(rows[0].n for rows in counts)


async def send(
    desk: Desk, body: bytes, headers: dict[str, str] | None = None, method: str = "POST"
) -> httpx2.Response:
    return await desk.rt.http.request(method, desk.url(), content=body, headers=headers)


def sid() -> str:
    return f"SM{uuid4().hex}"


# --- who may come in ---


async def test_a_forged_signature_is_refused_and_leaves_no_trace(desk: Desk) -> None:
    reply = await desk.post(desk.inbound(QUESTION, sid()), token="a guess")
    assert reply.status_code == 403
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["code"] == "bad_signature"
    assert await stored(desk) == 0


@pytest.mark.parametrize(
    "changed",
    [{"Body": "another"}, {"From": "+15125550001"}, {"Extra": "field"}],
    ids=lambda one: next(iter(one)),
)
async def test_a_form_that_was_changed_on_the_way(desk: Desk, changed: dict[str, str]) -> None:
    form = desk.inbound(QUESTION, sid())
    headers = {
        "content-type": FORM,
        "x-twilio-signature": sign(desk.credentials["auth_token"], desk.url(), form),
    }
    reply = await send(desk, urlencode([*(dict(form) | changed).items()]).encode(), headers)
    assert reply.status_code == 403
    assert await stored(desk) == 0


async def test_a_signature_for_another_url(desk: Desk) -> None:
    form = desk.inbound(QUESTION, sid())
    headers = {
        "content-type": FORM,
        "x-twilio-signature": sign(desk.credentials["auth_token"], desk.url("status"), form),
    }
    assert (await send(desk, urlencode(form).encode(), headers)).status_code == 403


async def test_no_signature_at_all(desk: Desk) -> None:
    body = urlencode(desk.inbound(QUESTION, sid())).encode()
    assert (await send(desk, body, {"content-type": FORM})).status_code == 403
    assert await stored(desk) == 0


async def test_what_the_host_header_claims_is_not_believed(desk: Desk) -> None:
    form = desk.inbound(QUESTION, sid())
    claimed = "http://evil.example" + urlsplit(desk.url()).path
    headers = {
        "content-type": FORM, "host": "evil.example",
        "x-twilio-signature": sign(desk.credentials["auth_token"], claimed, form),
    }  # fmt: skip
    assert (await send(desk, urlencode(form).encode(), headers)).status_code == 403
    headers["x-twilio-signature"] = sign(desk.credentials["auth_token"], desk.url(), form)
    assert (await send(desk, urlencode(form).encode(), headers)).status_code == 200


async def test_another_businesss_credentials_open_nothing_here(make_desk: MakeDesk) -> None:
    theirs = await make_desk(account={"account_sid": "AC" + "7" * 32, "auth_token": "their token"})
    ours = await make_desk()
    form = ours.inbound(QUESTION, sid(), AccountSid=theirs.credentials["account_sid"])
    assert (await ours.post(form, token="their token")).status_code == 403
    form = ours.inbound(QUESTION, sid())
    assert (await ours.post(form, token="their token")).status_code == 403
    assert await stored(ours) == 0
    assert await stored(theirs) == 0


async def test_our_own_signature_for_another_channels_number_is_not_for_us(make_desk: MakeDesk) -> None:
    """Two businesses at one account: each channel takes what was sent to its own number only."""
    one, other = await make_desk(), await make_desk()
    reply = await one.post(one.inbound(QUESTION, sid(), To=other.number))
    assert reply.status_code == 200
    assert await stored(one) == await stored(other) == 0


@pytest.mark.parametrize("channel", [NOBODY, "not-a-uuid", "%00", "..%2f..", "x" * 3000, "💥"])
@pytest.mark.parametrize("what", ["messages", "status"])
async def test_a_channel_that_is_not_there(desk: Desk, channel: str, what: str) -> None:
    url = f"{desk.rt.settings.public_url}/channels/{channel}/{what}"
    reply = await desk.rt.http.post(url, content=b"Body=hello", headers={"content-type": FORM})
    assert reply.status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_other_verbs(desk: Desk, method: str) -> None:
    assert (await send(desk, b"", method=method)).status_code == 405


# --- bodies ---


@pytest.mark.parametrize("declared", [True, False], ids=["content-length", "chunked"])
async def test_a_body_that_is_too_large_is_refused_before_it_is_all_there(desk: Desk, declared: bool) -> None:
    """The sender would still have gigabytes to say; it is told to stop after one megabyte."""
    parts = urlsplit(desk.url())
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    length = b"content-length: 99999999999" if declared else b"transfer-encoding: chunked"
    writer.write(b"POST %s HTTP/1.1\r\nhost: x\r\n%s\r\n\r\n" % (parts.path.encode(), length))
    piece = b"x" * 65536
    answer = asyncio.create_task(reader.readline())
    for _ in range(2000):
        writer.write(piece if declared else b"%x\r\n%s\r\n" % (len(piece), piece))
        try:
            await writer.drain()
        except ConnectionError:
            break
        if answer.done():
            break
    line = await answer
    writer.close()
    assert line.startswith(b"HTTP/1.1 4"), line
    assert await stored(desk) == 0


async def test_two_megabytes_in_one_piece(desk: Desk) -> None:
    reply = await send(desk, b"Body=" + b"x" * 2_000_000, {"content-type": FORM})
    assert reply.status_code in (400, 413)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"&".join(b"k%d=1" % n for n in range(100_000)), FORM),
        (b"&" * 200_000, FORM),
        (b"a=1&" * 200_000, FORM),
        (bytes(range(256)) * 64, FORM),
        (bytes(range(256)) * 64, "application/octet-stream"),
        (b"\xff\xfe\x00%zz%", FORM),
        (b"", FORM),
        (b"", ""),
        (b"Body=hello", ""),
        (json.dumps({"Body": "hello"}).encode(), "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"Body=hello", "application/x-www-form-urlencoded; charset=utf-7"),
        (b"Body=hello", "\xe4/\xfc"),
    ],
    ids=range(14),
)
async def test_strange_bodies_are_the_callers_fault(desk: Desk, body: bytes, kind: str) -> None:
    headers = {"content-type": kind.encode("latin-1")} if kind else {}
    reply = await desk.rt.http.post(desk.url(), content=body, headers=headers)
    assert 400 <= reply.status_code < 500
    assert await stored(desk) == 0


@pytest.fixture(scope="session")
async def door(stage: Stage) -> Desk:
    """For examples by the hundred: one business for all of them."""
    return await open_desk(stage)


TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
NAMES = st.one_of(
    st.sampled_from(
        ["MessageSid", "SmsSid", "From", "To", "Body", "SmsStatus", "MessageStatus", "NumMedia", "MediaUrl0",
         "MediaContentType0", "ErrorCode", "OptOutType", "EventType", "MessagingServiceSid", "FromCountry"]
    ),
    TEXT,
)  # fmt: skip
VALUES = st.one_of(
    TEXT,
    st.sampled_from(
        ["+15125550100", "received", "delivered", "undelivered", "failed", "30003", "21610", "STOP", "\0"]
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.lists(st.tuples(NAMES, VALUES), max_size=12),
    query=st.lists(
        st.tuples(st.sampled_from(["m", "p", "x"]), st.one_of(TEXT, st.uuids().map(str))), max_size=3
    ),
    what=st.sampled_from(["messages", "status"]),
)
async def test_no_form_that_is_rightly_signed_breaks_the_door(
    door: Desk, form: list[tuple[str, str]], query: list[tuple[str, str]], what: str
) -> None:
    door.stage.clock.frozen = None
    url = door.url(what) + (f"?{urlencode(query)}" if query else "")
    assert (await door.post(form, url=url)).status_code in (200, 400, 403)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(NAMES, VALUES, max_size=5))
async def test_no_message_that_is_nearly_right_breaks_the_door(door: Desk, changes: dict[str, str]) -> None:
    door.stage.clock.frozen = None
    assert (await door.post(door.inbound(QUESTION, sid(), **changes))).status_code in (200, 400, 403)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), kind=st.sampled_from([FORM, "application/json", "text/xml", ""]))
async def test_no_bytes_break_the_door(door: Desk, body: bytes, kind: str) -> None:
    reply = await send(door, body, {"content-type": kind, "x-twilio-signature": "AAAA"})
    assert 400 <= reply.status_code < 500


# --- when the database is away ---


@pytest.mark.slow  # the door waits eight seconds for a database that may come back
async def test_without_a_database_nothing_is_acknowledged(desk: Desk) -> None:
    dead = replace(desk.rt.settings, database_url="postgresql://frontdesk@127.0.0.1:9/frontdesk")
    listener = listen("127.0.0.1", 0)
    async with open_runtime(dead) as rt, serving(create_app(rt), listener):
        url = f"{url_of(listener)}/channels/{desk.channel_id}/messages"
        reply = await desk.rt.http.post(url, content=b"Body=hello", headers={"content-type": FORM})
    assert reply.status_code == 503
    assert reply.headers["retry-after"]
    assert reply.json()["code"] == "unavailable"


async def test_connections_that_the_database_closed_cost_no_message(desk: Desk, owner: Owner) -> None:
    """Providers do not come again after a 5xx; a restart of the database must not cost the first message."""
    await asyncio.gather(*(desk.text("hello") for _ in range(8)))  # the pool is full of connections
    await owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'frontdesk'")
    assert await desk.text("are you still there?") == [200]
    assert "are you still there?" in [one.text for one in await desk.messages()]


# --- reports ---


async def _sent(desk: Desk) -> tuple[str, UUID]:
    """A message that the provider has accepted and says no more about: (its sid, our id)."""
    desk.trouble({"kind": "drop_callbacks"})
    await desk.text(QUESTION)
    await desk.settle()
    (row,) = await desk.deliveries()
    assert row.state == "accepted"
    return row.provider_id, row.message_id


async def state(desk: Desk) -> str:
    (row,) = await desk.deliveries()
    return str(row.state)


async def test_reports_move_it_forward_only(desk: Desk) -> None:
    provider_id, message_id = await _sent(desk)
    told = (
        "sending",
        "sent",
        "sent",
        "delivered",
        "sent",
        "queued",
        "delivered",
        "failed",
        "read",
        "delivered",
    )
    seen = []
    for status in told:
        assert await desk.report(provider_id, status, message_id) == 200
        seen.append(await state(desk))
    assert seen == ["accepted", "sent", "sent", *["delivered"] * 5, "read", "read"]


async def test_a_report_ten_times_at_once_is_one_event(desk: Desk) -> None:
    provider_id, message_id = await _sent(desk)
    replies = await asyncio.gather(*(desk.report(provider_id, "delivered", message_id) for _ in range(10)))
    assert replies == [200] * 10
    events = await desk.rows("select raw_state from delivery_event")
    assert [row.raw_state for row in events] == ["delivered"]


async def test_reports_in_any_order_at_once_end_at_the_highest(desk: Desk) -> None:
    provider_id, message_id = await _sent(desk)
    told = ("read", "queued", "delivered", "sent", "sending")
    replies = await asyncio.gather(*(desk.report(provider_id, status, message_id) for status in told))
    assert replies == [200] * 5
    assert await state(desk) == "read"


async def test_a_report_before_the_answer_to_the_request_is_stored(desk: Desk) -> None:
    """The message is still `sending` as far as we know; our own id in the query says which one it is."""
    await desk.text(QUESTION)
    await desk.turn()
    (row,) = await desk.deliveries()
    provider_id = sid()
    assert await desk.report(provider_id, "delivered", row.message_id) == 200
    (row,) = await desk.deliveries()
    assert (row.state, row.provider_id) == ("delivered", provider_id)


async def test_a_report_about_a_message_that_nobody_knows(desk: Desk) -> None:
    await _sent(desk)
    assert await desk.report(sid(), "failed", uuid4()) == 200
    assert await desk.report(sid(), "failed", (await desk.deliveries())[0].message_id) == 200
    assert await state(desk) == "accepted"
    events = await desk.rows("select delivery_id from delivery_event")
    assert [row.delivery_id for row in events] == [None, None]


async def test_a_report_about_another_businesss_message(make_desk: MakeDesk) -> None:
    ours, theirs = await make_desk(), await make_desk()
    provider_id, message_id = await _sent(theirs)
    assert await ours.report(provider_id, "failed", message_id, ErrorCode="21610") == 200
    assert await state(theirs) == "accepted"
    assert await theirs.consent() == "none"


async def test_a_report_about_a_part_that_is_not_there(desk: Desk) -> None:
    _, message_id = await _sent(desk)
    assert await desk.report(sid(), "failed", message_id, part=7) == 200
    assert await desk.report(sid(), "failed", message_id, part=9999) == 200
    assert await state(desk) == "accepted"


async def test_a_state_that_the_provider_invented_yesterday(desk: Desk) -> None:
    provider_id, message_id = await _sent(desk)
    assert await desk.report(provider_id, "teleported", message_id) == 200
    assert await state(desk) == "accepted"
