"""Calls and numbers: states, callbacks, the TwiML they were given, and the process itself."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from tests.simulators.twilio_rig import CUSTOMER, OWNED, TOKEN, twiml, until

EVENTS = "initiated ringing answered completed"


@pytest.fixture
def dial(rest: Any, receiver: Any) -> Any:
    async def create(**fields: Any) -> Any:
        form = {
            "To": CUSTOMER,
            "From": OWNED,
            "Url": f"{receiver.url}/voice",
            "StatusCallback": f"{receiver.url}/call-status",
            "StatusCallbackEvent": EVENTS.split(),
            **fields,
        }
        return await rest.post("/Calls.json", data={k: v for k, v in form.items() if v is not None})

    return create


def told(receiver: Any) -> list[str]:
    return [hit.params["CallStatus"] for hit in receiver.hits if hit.url.endswith("/call-status")]


async def test_a_call_that_is_answered(dial: Any, receiver: Any, control: Any, rest: Any) -> None:
    receiver.answers = [twiml("<Response/>")] * 3
    answer = await dial(Url=None, Twiml="<Response><Say>Hello</Say><Pause length='1'/><Hangup/></Response>")
    assert (answer.status_code, answer.json()["status"]) == (201, "queued")
    await until(lambda: told(receiver) == ["initiated", "ringing", "in-progress", "completed"])
    for hit in receiver.hits:
        assert RequestValidator(TOKEN).validate(hit.url, hit.params, hit.headers["x-twilio-signature"])
    call = (await control.get("/sim/calls")).json()["calls"][0]
    assert [verb["verb"] for verb in call["verbs"]] == ["Say", "Pause", "Hangup"]
    assert call["verbs"][1]["attributes"] == {"length": "1"}
    listed = (await rest.get("/Calls.json", params={"To": CUSTOMER, "Status": "completed"})).json()["calls"]
    assert [item["sid"] for item in listed] == [call["sid"]]


@pytest.mark.parametrize(
    ("to", "status"), [("+15005552001", "busy"), ("+15005552002", "no-answer"), ("+15005552003", "failed")]
)
async def test_a_call_that_is_not(dial: Any, receiver: Any, to: str, status: str) -> None:
    await dial(To=to)
    await until(lambda: told(receiver) == ["initiated", "ringing", status])
    assert not any(hit.url.endswith("/voice") for hit in receiver.hits)


async def test_only_completed_is_told_by_default(dial: Any, receiver: Any, control: Any) -> None:
    await control.post(f"/sim/handsets/{CUSTOMER}", json={"answers": "busy"})
    await dial(StatusCallbackEvent=None)
    await until(lambda: told(receiver) == ["busy"])


async def test_a_stream_holds_the_line_until_hung_up(
    dial: Any, rest: Any, running: Any, receiver: Any
) -> None:
    stream = "<Response><Connect><Stream url='wss://x/y'><Parameter name='t'/></Stream></Connect></Response>"
    sid = (await dial(Url=None, Twiml=stream)).json()["sid"]
    path, call = f"/Calls/{sid}.json", running.state.calls[sid]
    await until(lambda: call.log)
    assert call.log[0]["children"][0]["attributes"] == {"url": "wss://x/y"}
    assert (await rest.get(path)).json()["status"] == "in-progress"
    assert (await rest.post(path, data={"Twiml": "<Response><Dial>+1</Dial></Response>"})).status_code == 200
    assert [verb["verb"] for verb in call.log] == ["Connect", "Dial"]
    ended = await rest.post(path, data={"Status": "completed"})
    assert ended.json()["status"] == "completed"
    again = await rest.post(path, data={"Status": "completed"})
    assert (again.status_code, again.json()["code"]) == (404, 20404)
    await until(lambda: told(receiver)[-1:] == ["completed"])


async def test_the_customer_declines(dial: Any, control: Any, receiver: Any, running: Any) -> None:
    sid = (await dial(To="+15005552004")).json()["sid"]
    await until(lambda: running.state.calls[sid].status == "ringing")
    declined = await control.post(f"/sim/calls/{sid}/hangup")
    assert declined.json()["status"] == "busy"
    await until(lambda: told(receiver) == ["initiated", "ringing", "busy"])


async def test_cancel_while_ringing(dial: Any, rest: Any, receiver: Any, running: Any) -> None:
    sid = (await dial(To="+15005552004")).json()["sid"]
    await until(lambda: running.state.calls[sid].status == "ringing")
    canceled = await rest.post(f"/Calls/{sid}.json", data={"Status": "canceled"})
    assert canceled.json()["status"] == "canceled"
    await until(lambda: told(receiver) == ["initiated", "ringing", "canceled"])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": None}, 21201),
        ({"From": None}, 21213),
        ({"Url": None}, 21205),
        ({"From": "+15125550199"}, 21210),
        ({"To": "nobody"}, 21217),
        ({"To": "+15005550003"}, 21215),
    ],
)
async def test_refused_calls(dial: Any, fields: dict[str, Any], code: int) -> None:
    answer = await dial(**fields)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_customer_calls_us(control: Any, receiver: Any, running: Any) -> None:
    receiver.answers.append(
        twiml("<Response><Gather action='/x'><Say>Press one</Say></Gather></Response>"),
    )
    call = (await control.post(f"/sim/handsets/{CUSTOMER}/calls", json={"to": OWNED})).json()
    hit = receiver.hits[0]
    assert (hit.params["CallStatus"], hit.params["Direction"]) == ("ringing", "inbound")
    assert RequestValidator(TOKEN).validate(hit.url, hit.params, hit.headers["x-twilio-signature"])
    assert (call["status"], call["verbs"][0]["children"][0]["verb"]) == ("in-progress", "Say")
    await control.post(f"/sim/calls/{call['sid']}/hangup")
    await until(lambda: running.state.calls[call["sid"]].status == "completed")


async def test_sdk_calls(sdk: Any, running: Any) -> None:
    def use() -> Any:
        call = sdk.calls.create(to=CUSTOMER, from_=OWNED, twiml="<Response><Connect/></Response>")
        return sdk.calls(call.sid).fetch()

    sid = (await asyncio.to_thread(use)).sid
    await until(lambda: running.state.calls[sid].status == "in-progress")
    ended = await asyncio.to_thread(lambda: sdk.calls(sid).update(status="completed"))
    assert ended.status == "completed"


async def test_numbers(sdk: Any, control: Any) -> None:
    def use() -> tuple[str, str, int]:
        made = sdk.incoming_phone_numbers.create(phone_number="+15125550150", sms_url="http://127.0.0.1/a")
        sdk.incoming_phone_numbers(made.sid).update(sms_url="http://127.0.0.1/b")
        url = sdk.incoming_phone_numbers.list(phone_number="+15125550150")[0].sms_url
        sdk.incoming_phone_numbers(made.sid).delete()
        return made.sid, url, len(sdk.incoming_phone_numbers.list())

    sid, url, left = await asyncio.to_thread(use)
    assert sid.startswith("PN")
    assert (url, left) == ("http://127.0.0.1/b", 1)


async def test_runs_as_a_process() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.twilio", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 10)).decode()
    assert line.startswith("ready http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0
