"""Receiving: what a phone sends becomes a signed webhook; STOP and START; media; retries."""

from __future__ import annotations

import base64
import json
import socket
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response
from twilio.request_validator import RequestValidator

from simulators.twilio import Config, handsets, serve
from tests.simulators.twilio_rig import CUSTOMER, OWNED, SID, TOKEN, twiml, until


def signed(hit: Any, token: str = TOKEN) -> bool:
    return bool(RequestValidator(token).validate(hit.url, hit.params, hit.headers["x-twilio-signature"]))


@pytest.mark.parametrize(
    "body", ["Hi", "", "¿Tienen cita mañana?", "👩‍👩‍👧‍👦 + 1 & b=c", "x" * 10_000, "line\nline\t\x00", "שלום‏"]
)
async def test_webhook_has_every_parameter_and_a_signature(text: Any, receiver: Any, body: str) -> None:
    answer = (await text(body)).json()
    hit = receiver.hits[0]
    assert signed(hit)
    assert not signed(hit, "other")
    assert hit.params["Body"] == body
    assert hit.params["MessageSid"] == hit.params["SmsSid"] == hit.params["SmsMessageSid"] == answer["sid"]
    assert (hit.params["From"], hit.params["To"], hit.params["AccountSid"]) == (CUSTOMER, OWNED, SID)
    assert (hit.params["SmsStatus"], hit.params["NumMedia"]) == ("received", "0")
    assert answer["webhook"][0]["status"] == 200


async def test_lone_surrogates_do_not_break_the_phone(control: Any, receiver: Any) -> None:
    raw = json.dumps({"to": OWNED, "body": "a\ud800b"})
    answer = await control.post(f"/sim/handsets/{CUSTOMER}/messages", content=raw)
    assert answer.status_code == 200
    assert receiver.hits[0].params["Body"] == "a\ufffdb"


async def test_get_webhook_is_signed_over_its_query(text: Any, receiver: Any, control: Any) -> None:
    hooks = {"sms_url": f"{receiver.url}/messages?a=1", "sms_method": "GET"}
    await control.post("/sim/numbers", json={"number": OWNED, **hooks})
    await text("Hi ñ")
    hit = receiver.hits[0]
    assert RequestValidator(TOKEN).validate(hit.url, {}, hit.headers["x-twilio-signature"])
    assert hit.params["Body"] == "Hi ñ"


async def test_inbound_is_in_the_list_to_reconcile_from(text: Any, rest: Any) -> None:
    sid = (await text("Anyone there?")).json()["sid"]
    listed = (await rest.get("/Messages.json", params={"To": OWNED})).json()["messages"]
    assert [(m["sid"], m["direction"], m["status"]) for m in listed] == [(sid, "inbound", "received")]


async def test_media_needs_credentials_and_moves_to_another_origin(
    text: Any, rest: Any, receiver: Any
) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    encoded = base64.b64encode(picture).decode()
    await text("look", media=[{"content_type": "image/png", "data_base64": encoded, "name": "a.png"}])
    params = receiver.hits[0].params
    assert (params["NumMedia"], params["MediaContentType0"]) == ("1", "image/png")
    assert params["MessageSid"].startswith("MM")
    url = params["MediaUrl0"]
    assert (await rest.get(url, auth=("", ""))).status_code == 401
    moved = await rest.get(url)
    assert moved.status_code == 307
    there = moved.headers["location"]
    assert there.startswith("http://localhost:")
    followed = await rest.get(url, follow_redirects=True)
    assert (followed.content, followed.headers["content-type"]) == (picture, "image/png")
    assert (await rest.get(there)).status_code == 400, "credentials must not be forwarded"
    assert (await rest.get(there + "x", auth=None)).status_code in (400, 403)
    listed = (await rest.get(f"/Messages/{params['MessageSid']}/Media.json")).json()["media_list"]
    assert [item["content_type"] for item in listed] == ["image/png"]
    assert (await rest.delete(url + ".json")).status_code == 204
    assert (await rest.get(url)).status_code == 404


async def test_duplicates_share_sid_and_token(text: Any, receiver: Any) -> None:
    answer = (await text("once", times=5)).json()
    assert [delivery["status"] for delivery in answer["webhook"]] == [200] * 5
    assert len({hit.params["MessageSid"] for hit in receiver.hits}) == 1
    assert len({hit.headers["i-twilio-idempotency-token"] for hit in receiver.hits}) == 1
    await text("once", message_sid=answer["sid"])
    assert receiver.hits[-1].params == receiver.hits[0].params


async def test_forged_signature(text: Any, receiver: Any) -> None:
    await text("hi", sign_with="forged")
    assert not signed(receiver.hits[0])
    assert signed(receiver.hits[0], "forged")


async def test_stop_blocks_and_start_unblocks(text: Any, send: Any, receiver: Any, control: Any) -> None:
    await text(" stop ")
    assert receiver.hits[-1].params["OptOutType"] == "STOP"
    assert (await send()).json()["code"] == 21610
    assert (await send(To="+14155550777")).status_code == 201
    await text("STOP")
    await text("HELP")
    assert receiver.hits[-1].params["OptOutType"] == "HELP"
    await text("START")
    assert receiver.hits[-1].params["OptOutType"] == "START"
    assert (await send()).status_code == 201
    screen = (await control.get(f"/sim/handsets/{CUSTOMER}/messages")).json()["messages"]
    own_words = [line["body"].split(".")[0] for line in screen if line["origin"] == "opt_out"]
    assert own_words == [
        "You have successfully been unsubscribed",
        "You have successfully been re-subscribed to messages from this number",
    ]


async def test_only_single_words_are_keywords(text: Any, send: Any, receiver: Any) -> None:
    for body in ("STOP PLEASE", "please cancel", "yes", "start"):
        await text(body)
        assert "OptOutType" not in receiver.hits[-1].params
    assert (await send()).status_code == 201


async def test_stop_holds_for_the_whole_service(text: Any, send: Any, control: Any) -> None:
    await control.post("/sim/numbers", json={"number": "+15125550101"})
    await control.post("/sim/services", json={"numbers": [OWNED, "+15125550101"]})
    await text("QUIT")
    assert (await send(From="+15125550101")).json()["code"] == 21610


async def test_twiml_answer_reaches_the_phone(text: Any, receiver: Any, control: Any) -> None:
    receiver.answers.append(
        twiml("<Response><Message>One &amp; only</Message><Message><Body>Two</Body></Message></Response>")
    )
    await text("hello")
    path = f"/sim/handsets/{CUSTOMER}/messages"
    screen = (await control.get(path, params={"with": OWNED})).json()["messages"]
    assert [(line["direction"], line["body"]) for line in screen] == [
        ("out", "hello"),
        ("in", "One & only"),
        ("in", "Two"),
    ]
    newer = (await control.get(path, params={"after": screen[0]["seq"]})).json()["messages"]
    assert [line["body"] for line in newer] == ["One & only", "Two"]
    elsewhere = await control.get(path, params={"with": "+15125550999"})
    assert elsewhere.json() == {"messages": []}
    ledger = (await control.get("/sim/ledger", params={"origin": "api"})).json()
    assert ledger == {"messages": []}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (JSONResponse({"ok": True}), 12300),
        (twiml("<Response>"), 12100),
        (twiml("<Nonsense/>"), 12200),
        (twiml(f"<Response>{'x' * 70_000}</Response>"), 11750),
        (Response("no", 500), 11200),
        (Response("no", 403), 11200),
    ],
)
async def test_bad_answers_are_reported(text: Any, receiver: Any, answer: Response, error: int) -> None:
    receiver.answers.append(answer)
    delivery = (await text("hello")).json()["webhook"][0]
    assert (delivery["error"], delivery["attempts"]) == (error, 1)


async def test_nobody_listening_is_tried_once_more_then_falls_back(
    text: Any, receiver: Any, control: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/messages"
    await control.post("/sim/numbers", json={"number": OWNED, "sms_url": dead})
    delivery = (await text("hello")).json()["webhook"][0]
    assert (delivery["status"], delivery["error"], delivery["attempts"]) == (None, 11205, 2)
    fallback = f"{receiver.url}/fallback"
    await control.post("/sim/numbers", json={"number": OWNED, "sms_fallback_url": fallback})
    await text("hello again")
    hit = receiver.hits[-1]
    assert (hit.params["ErrorCode"], hit.params["ErrorUrl"], hit.url) == ("11205", dead, fallback)
    assert signed(hit)


async def test_retry_policy_of_the_url_fragment(text: Any, receiver: Any, control: Any) -> None:
    url = f"{receiver.url}/messages"
    await control.post("/sim/numbers", json={"number": OWNED, "sms_url": f"{url}#rc=2&rp=5xx"})
    receiver.answers.extend([Response("no", 503), Response("no", 500)])
    delivery = (await text("hello")).json()["webhook"][0]
    assert (delivery["status"], delivery["attempts"]) == (200, 3)
    assert {hit.url for hit in receiver.hits} == {url}
    assert len({hit.headers["i-twilio-idempotency-token"] for hit in receiver.hits}) == 1
    assert all(signed(hit) for hit in receiver.hits)


async def test_a_stand_in_origin_is_dialled_but_not_signed(receiver: Any) -> None:
    config = Config(origins={"https://desk.example": receiver.url})
    async with serve(config=config) as running:
        running.state.add_number(SID, OWNED, {"SmsUrl": "https://desk.example/messages?x=1"})
        _, deliveries = await handsets.send(running.state, CUSTOMER, handsets.Text(OWNED, "hi"))
    assert deliveries[0].status == 200
    hit = receiver.hits[0]
    signature = hit.headers["x-twilio-signature"]
    assert RequestValidator(TOKEN).validate("https://desk.example/messages?x=1", hit.params, signature)
    assert not signed(hit)


async def test_whatsapp_window(text: Any, send: Any, receiver: Any, control: Any, running: Any) -> None:
    ours, theirs = "whatsapp:+15125550100", "whatsapp:+14155550123"
    await control.post("/sim/numbers", json={"number": ours, "sms_url": f"{receiver.url}/messages"})
    early = (await send(From=ours, To=theirs)).json()["sid"]
    await until(lambda: running.state.messages[early].error_code == 63016)
    await text("STOP", handset=theirs, to=ours)
    params = receiver.hits[-1].params
    assert (params["WaId"], params["MessageType"]) == ("14155550123", "text")
    assert "OptOutType" not in params
    late = (await send(From=ours, To=theirs, StatusCallback=f"{receiver.url}/status")).json()["sid"]
    await until(lambda: running.state.messages[late].status == "delivered")
    await control.post(f"/sim/messages/{late}/status", json={"status": "read"})
    await until(lambda: receiver.statuses()[-1:] == ["read"])


async def test_control_refuses_nonsense(control: Any, text: Any) -> None:
    wrong = [
        await text("hi", to="+19995550000"),
        await text("hi", media=[{"content_type": "image/png", "data_base64": "!"}]),
        await control.post("/sim/numbers", json={"number": OWNED, "account_sid": "ACx"}),
        await control.post("/sim/chaos", json={"rules": [{"kind": "earthquake"}]}),
        await control.post("/sim/chaos", json={"rules": [{"kind": "hang", "route": "messages.sned"}]}),
        await control.post("/sim/chaos", json={"rules": [{"kind": "hang", "second": 1}]}),
    ]
    assert {answer.status_code for answer in wrong} == {400}
    assert all(answer.json()["error"] for answer in wrong)
    assert (await control.get("/sim/healthz")).json()["status"] == "ok"
