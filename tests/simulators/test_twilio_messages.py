"""Sending: the resource, its refusals, its life, its lists; by plain HTTP and by Twilio's own SDK."""

from __future__ import annotations

import asyncio
import itertools
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from simulators.twilio import Config, segments, serve
from simulators.twilio.state import Client
from tests.simulators.twilio_rig import CUSTOMER, OWNED, SID, TOKEN, until


async def test_create_answers_with_the_queued_resource(send: Any) -> None:
    answer = await send(Body="Hola, ¿a qué hora?")
    message = answer.json()
    assert answer.status_code == 201
    assert re.fullmatch(r"SM[0-9a-f]{32}", message["sid"])
    assert (message["status"], message["direction"]) == ("queued", "outbound-api")
    assert (message["num_segments"], message["date_sent"], message["price"]) == ("1", None, None)
    assert abs(parsedate_to_datetime(message["date_created"]) - datetime.now(UTC)) < timedelta(seconds=5)
    assert message["uri"] == f"/2010-04-01/Accounts/{SID}/Messages/{message['sid']}.json"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"To": None}, 400, 21604),
        ({"From": None}, 400, 21603),
        ({"From": "+15125550199"}, 400, 21606),
        ({"From": "+15005550008"}, 429, 21611),
        ({"Body": None}, 400, 21602),
        ({"Body": "x" * 1601}, 400, 21617),
        ({"MediaUrl": ["http://127.0.0.1/x"] * 11}, 400, 21623),
        ({"To": "hello"}, 400, 21211),
        ({"To": "+15005550001"}, 400, 21211),
        ({"To": "+15005550002"}, 400, 21612),
        ({"To": "+15005550003"}, 400, 21408),
        ({"To": "+15005550004"}, 400, 21610),
        ({"To": "+15005550009"}, 400, 21614),
        ({"To": "+15005551429"}, 429, 20429),
        ({"To": "whatsapp:+14155550123"}, 400, 21910),
        ({"ValidityPeriod": "0"}, 400, 21624),
        ({"MessagingServiceSid": "MG0"}, 400, 21701),
    ],
)
async def test_refusals(send: Any, control: Any, fields: dict[str, Any], status: int, code: int) -> None:
    answer = await send(**fields)
    body = answer.json()
    assert (answer.status_code, body["code"], body["status"]) == (status, code, status)
    assert body["more_info"].endswith(str(code))
    assert body["message"]
    assert (await control.get("/sim/ledger")).json() == {"messages": []}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 69 + "’", 1),
        ("a" * 70 + "’", 2),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
        ("ñÑ¿¡é", 1),
    ],
)
def test_segments(text: str, count: int) -> None:
    assert segments.count(text) == count


async def test_life_is_told_by_signed_callbacks(send: Any, receiver: Any, control: Any) -> None:
    url = f"{receiver.url}/status?m=42"
    sid = (await send(StatusCallback=url)).json()["sid"]
    await until(lambda: len(receiver.hits) == 3)
    assert receiver.statuses() == ["sending", "sent", "delivered"]
    for hit in receiver.hits:
        assert hit.url == url
        assert hit.params["MessageSid"] == hit.params["SmsSid"] == sid
        assert hit.headers["i-twilio-idempotency-token"]
        assert RequestValidator(TOKEN).validate(hit.url, hit.params, hit.headers["x-twilio-signature"])
        assert not RequestValidator("other").validate(hit.url, hit.params, hit.headers["x-twilio-signature"])
    entry = (await control.get("/sim/ledger")).json()["messages"][0]
    assert [step["status"] for step in entry["history"]] == ["queued", "sending", "sent", "delivered"]
    assert entry["status_callback"] == url


@pytest.mark.parametrize(
    ("to", "status", "code"),
    [
        ("+15005553001", "failed", 30001),
        ("+15005553003", "undelivered", 30003),
        ("+15005553005", "undelivered", 30005),
        ("+15005553007", "undelivered", 30007),
        ("+15005553008", "undelivered", 30008),
    ],
)
async def test_magic_receivers_fail_after_acceptance(
    send: Any, rest: Any, receiver: Any, to: str, status: str, code: int
) -> None:
    sid = (await send(To=to, StatusCallback=f"{receiver.url}/status")).json()["sid"]
    await until(lambda: status in receiver.statuses())
    assert receiver.hits[-1].params["ErrorCode"] == str(code)
    found = (await rest.get(f"/Messages/{sid}.json")).json()
    assert (found["status"], found["error_code"]) == (status, code)


async def test_handset_can_be_told_to_fail(send: Any, control: Any, running: Any) -> None:
    await control.post(f"/sim/handsets/{CUSTOMER}", json={"fail_with": 30006})
    sid = (await send()).json()["sid"]
    await until(lambda: running.state.messages[sid].error_code == 30006)


async def test_list_filters_pages_and_order(send: Any, rest: Any, running: Any) -> None:
    sids = [(await send(Body=str(n))).json()["sid"] for n in range(5)]
    await send(To="+14155550999")
    await until(lambda: all(m.status == "delivered" for m in running.state.messages.values()))
    query: dict[str, Any] = {"To": CUSTOMER, "From": OWNED, "PageSize": 2}
    seen, page = [], (await rest.get("/Messages.json", params=query)).json()
    while True:
        seen += [message["sid"] for message in page["messages"]]
        if not page["next_page_uri"]:
            break
        await send(Body="a newcomer does not shift the pages")
        page = (await rest.get(running.url + page["next_page_uri"])).json()
    assert seen == sids[::-1]


async def test_list_by_date(send: Any, rest: Any, running: Any) -> None:
    old, new = [(await send(Body=word)).json()["sid"] for word in ("old", "new")]
    await until(lambda: all(m.status == "delivered" for m in running.state.messages.values()))
    now = datetime.now(UTC).replace(microsecond=0)
    running.state.messages[old].sent = now - timedelta(days=2)
    border = (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    async def listed(name: str, value: str) -> list[str]:
        found = (await rest.get("/Messages.json", params={name: value})).json()["messages"]
        return [message["sid"] for message in found]

    assert await listed("DateSent>", border) == [new]
    assert await listed("DateSent<", border) == [old]
    assert await listed("DateSent", (now - timedelta(days=2)).strftime("%Y-%m-%d")) == [old]
    exactly = running.state.messages[new].sent.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert await listed("DateSent>", exactly) == [new]


async def test_redact_delete_and_cancel(send: Any, rest: Any, running: Any) -> None:
    sid = (await send(Body="private")).json()["sid"]
    path = f"/Messages/{sid}.json"
    await until(lambda: running.state.messages[sid].status == "delivered")
    assert (await rest.post(path, data={"Status": "canceled"})).json()["code"] == 30409
    assert (await rest.post(path, data={"Body": "other"})).json()["code"] == 21619
    assert (await rest.post(path, data={"Body": ""})).json()["body"] == ""
    assert (await rest.delete(path)).status_code == 204
    assert (await rest.get(path)).json()["code"] == 20404
    assert running.state.messages[sid].body == "private"


async def test_service_scheduled_message_can_be_canceled(
    send: Any, rest: Any, control: Any, receiver: Any
) -> None:
    service = (await control.post("/sim/services", json={"numbers": [OWNED]})).json()["sid"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    answer = await send(From=None, MessagingServiceSid=service, SendAt=later, ScheduleType="fixed")
    message = answer.json()
    assert (message["status"], message["from"]) == ("scheduled", None)
    canceled = await rest.post(f"/Messages/{message['sid']}.json", data={"Status": "canceled"})
    assert canceled.json()["status"] == "canceled"
    await send(From=None, MessagingServiceSid=service, StatusCallback=f"{receiver.url}/status")
    await until(lambda: receiver.statuses() == ["queued", "sending", "sent", "delivered"])


async def test_sender_rate_and_queue() -> None:
    config = Config(messages_per_second=5, queue_length=2, step_delay=0.001)
    async with serve(config=config) as running, Client(auth=(SID, TOKEN), trust_env=False) as client:
        running.state.add_number(SID, OWNED, {})
        form = {"To": CUSTOMER, "From": OWNED, "Body": "x"}
        url = f"{running.url}/2010-04-01/Accounts/{SID}/Messages.json"
        answers = await asyncio.gather(*(client.post(url, data=form) for _ in range(8)))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert {answer.json()["code"] for answer in refused} == {21611}
        assert 2 <= len(answers) - len(refused) <= 5
        await until(lambda: all(m.status == "delivered" for m in running.state.messages.values()))
        sent = sorted(m.history[1]["at"] for m in running.state.messages.values())
        assert all(b - a > 0.05 for a, b in itertools.pairwise(sent))


async def test_sdk_sends_fetches_and_lists(sdk: Any, running: Any) -> None:
    def use() -> tuple[Any, Any, list[Any]]:
        made = sdk.messages.create(to=CUSTOMER, from_=OWNED, body="From the SDK")
        for n in range(3):
            sdk.messages.create(to=CUSTOMER, from_=OWNED, body=str(n))
        since = datetime.now(UTC) - timedelta(minutes=1)
        listed = sdk.messages.list(to=CUSTOMER, date_sent_after=since, page_size=2)
        return made, sdk.messages(made.sid).fetch(), listed

    made, fetched, listed = await asyncio.to_thread(use)
    assert (made.status, fetched.sid, fetched.body) == ("queued", made.sid, "From the SDK")
    assert [message.body for message in listed] == ["2", "1", "0", "From the SDK"]
    assert made.date_created.tzinfo is not None


async def test_sdk_sees_errors_as_exceptions(sdk: Any, text: Any) -> None:
    await text("STOP")
    with pytest.raises(TwilioRestException) as stopped:
        await asyncio.to_thread(sdk.messages.create, to=CUSTOMER, from_=OWNED, body="x")
    assert (stopped.value.status, stopped.value.code) == (400, 21610)
    sdk.auth = sdk.username, sdk.password = SID, "wrong"
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(sdk.messages.create, to=CUSTOMER, from_=OWNED, body="x")
    assert (refused.value.status, refused.value.code) == (401, 20003)


async def test_auth(rest: Any, running: Any) -> None:
    for auth in [(SID, "wrong"), ("AC" + "f" * 32, TOKEN), ("", "")]:
        answer = await rest.get(f"{running.url}/2010-04-01/Accounts/{SID}.json", auth=auth)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
        assert "Basic" in answer.headers["www-authenticate"]
    account = (await rest.get(f"{running.url}/2010-04-01/Accounts/{SID}.json")).json()
    assert (account["sid"], account["status"]) == (SID, "active")
    unknown = await rest.get("/Nothing.json")
    assert (unknown.status_code, unknown.json()["code"]) == (404, 20404)


async def test_another_accounts_message_is_not_found(
    send: Any, rest: Any, control: Any, running: Any
) -> None:
    sid = (await send()).json()["sid"]
    other = (await control.post("/sim/accounts", json={})).json()
    auth = (other["sid"], other["auth_token"])
    url = f"{running.url}/2010-04-01/Accounts/{other['sid']}"
    assert (await rest.get(f"{url}/Messages/{sid}.json", auth=auth)).json()["code"] == 20404
    theirs = {"To": CUSTOMER, "From": OWNED, "Body": "x"}
    assert (await rest.post(f"{url}/Messages.json", data=theirs, auth=auth)).json()["code"] == 21606
