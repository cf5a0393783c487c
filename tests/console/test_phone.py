import base64
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from starlette.applications import Starlette

import console.phone
from console import desk as owners_desk
from console.phone import FILES, STATIC
from console.reasons import say
from runtime import demo
from tests.demo_rig import Door, open_door
from tests.rig import Desk

Client = httpx2.AsyncClient  # noqa: TID251
PNG = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
).decode()
NASTY = '<img src=x onerror=alert(1)> & "quotes" </script> \u202e\u0000ñ 😀'
DOORS = ["/phone", "/phone/static/phone.js", "/phone/state", "/phone/messages", "/phone/desk"]


def client(door: Door, **more: Any) -> Client:
    app = Starlette(routes=console.phone.routes(door.rt))
    peer = more.pop("peer", ("127.0.0.1", 5))
    return Client(transport=httpx2.ASGITransport(app, client=peer), base_url="http://127.0.0.1:8000", **more)


async def said(answer: httpx2.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (
        answer.text
    )
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["title"]


# --- who may come in ---


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.5", "", "[::2]"]
)
async def test_a_foreign_host_is_refused(page: Client, path: str, host: str) -> None:
    await said(await page.get(path, headers={"Host": host}), 403, "not_local")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "[::1]:8000", "127.8.9.1:1", "LOCALHOST"])
async def test_every_name_of_this_machine_will_do(page: Client, host: str) -> None:
    assert (await page.get("/phone/state", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("peer", ["10.0.0.5", "192.168.1.2", "::2", "testclient"])
async def test_a_neighbour_is_refused(door: Door, peer: str) -> None:
    async with client(door, peer=(peer, 5)) as neighbour:
        await said(await neighbour.get("/phone/state"), 403, "not_local")


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_is_let_in(door: Door, peer: str) -> None:
    async with client(door, peer=(peer, 5)) as here:
        assert (await here.get("/phone/state")).status_code == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Host"])
async def test_a_proxy_on_this_machine_speaks_for_somebody_else(page: Client, name: str) -> None:
    await said(await page.get("/phone/state", headers={name: "127.0.0.1"}), 403, "not_local")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_may_not_ask(page: Client, headers: dict[str, str]) -> None:
    await said(await page.get("/phone/state", headers=headers), 403, "cross_site")
    await said(await page.post("/phone/messages", json={}, headers=headers), 403, "cross_site")


async def test_a_link_from_elsewhere_may_lead_to_the_page(page: Client) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await page.get("/phone", headers=followed)).status_code == 200
    await said(await page.post("/phone/messages", json={}, headers=followed), 403, "cross_site")


# --- the page ---


async def test_the_page_allows_no_foreign_and_no_inline_code(page: Client) -> None:
    answer = await page.get("/phone")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=|https?://", answer.text)


@pytest.mark.parametrize("name", sorted(FILES))
async def test_every_file_is_there_with_its_type(page: Client, name: str) -> None:
    answer = await page.get(f"/phone/static/{name}")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (
        200,
        FILES[name].split(";")[0],
    )


@pytest.mark.parametrize("name", ["phone.py", "..%2Fphone.py", "nothing.js", "%2e%2e/phone.py"])
async def test_nothing_else_is_served(page: Client, name: str) -> None:
    assert (await page.get(f"/phone/static/{name}")).status_code == 404


def test_the_scripts_never_make_markup_of_words() -> None:
    for path in STATIC.glob("*.js"):
        text = path.read_text()
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://(?!www\.w3\.org/2000/svg)",
            text,
        )
        assert not found, f"{path.name}: {found}"


def test_every_static_file_is_listed() -> None:
    assert {path.name for path in STATIC.iterdir()} == set(FILES)


# --- what the page knows ---


async def test_businesses_and_keys(page: Client, door: Door) -> None:
    (one,) = (await page.get("/phone/state")).json()["businesses"]
    assert (one["number"], one["api_key"]) == (door.desk.number, door.business.api_key)


async def test_no_demo_is_loaded(page: Client, door: Door) -> None:
    demo.remove(door.data_dir)
    await said(await page.get("/phone/state"), 503, "no_demo")
    await said(await page.get("/phone/desk?ws=clinic"), 503, "no_demo")


async def test_a_damaged_file_is_said_to_be_damaged(page: Client, door: Door) -> None:
    demo.file(door.data_dir).write_text("{")
    await said(await page.get("/phone/state"), 503, "demo_damaged")


# --- the handset ---


async def text(page: Client, door: Door, words: str, **more: Any) -> httpx2.Response:
    body = {"from": door.desk.handset, "to": door.desk.number, "text": words} | more
    reply = await page.post("/phone/messages", json=body)
    await door.desk.read()
    return reply


async def screen(page: Client, door: Door, after: int = 0) -> list[dict[str, Any]]:
    query = {"number": door.desk.handset, "with": door.desk.number, "after": str(after)}
    messages: list[dict[str, Any]] = (await page.get("/phone/messages", params=query)).json()["messages"]
    return messages


async def test_a_text_reaches_the_business_and_its_answer_the_phone(page: Client, door: Door) -> None:
    sent = (await text(page, door, "what are your hours?")).json()
    assert sent["delivered"] is True
    await door.desk.settle()
    mine, theirs = await screen(page, door)
    assert (mine["sid"], mine["direction"], mine["body"]) == (sent["sid"], "out", "what are your hours?")
    assert (theirs["direction"], theirs["status"]) == ("in", "delivered")
    assert "8:00" in theirs["body"]
    assert await screen(page, door, after=mine["seq"]) == [theirs]


async def test_strangers_words_travel_unchanged(page: Client, door: Door) -> None:
    words = NASTY.replace("\u0000", "")
    assert (await text(page, door, words)).status_code == 200
    assert [one["body"] for one in await screen(page, door)] == [words]
    desk = (
        await page.get("/phone/desk", params={"ws": door.business.slug, "number": door.desk.handset})
    ).json()
    assert desk["conversation"]["messages"][0]["text"] == words


async def test_a_picture_comes_back_as_a_picture(page: Client, door: Door) -> None:
    media = [{"content_type": "image/png", "data_base64": PNG, "name": "tooth.png"}]
    assert (await text(page, door, "", media=media)).json()["delivered"]
    (one,) = await screen(page, door)
    (attached,) = one["media"]
    assert attached == {"sid": attached["sid"], "content_type": "image/png", "name": "tooth.png"}
    answer = await page.get(f"/phone/media/{door.business.slug}/{one['sid']}/{attached['sid']}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content == base64.b64decode(PNG)
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_what_is_no_picture_is_not_shown(page: Client, door: Door) -> None:
    page_ = base64.b64encode(b"<script>alert(1)</script>").decode()
    media = [{"content_type": "text/html", "data_base64": page_}]
    await text(page, door, "look", media=media)
    (one,) = await screen(page, door)
    path = f"/phone/media/{door.business.slug}/{one['sid']}/{one['media'][0]['sid']}"
    await said(await page.get(path), 404, "not_found")
    await said(await page.get(f"/phone/media/{door.business.slug}/SMx/MEy"), 404, "not_found")


async def test_a_message_that_the_business_does_not_take(page: Client, door: Door) -> None:
    state = door.desk.stage.provider.state
    state.add_number(
        door.desk.credentials["account_sid"], door.desk.number, {"SmsUrl": f"{door.url}/nowhere"}
    )
    assert (await text(page, door, "hello?")).json()["delivered"] is False


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"to": "+15125550199", "text": "x"}, "/from"),
        ({"from": "15125550123", "to": "+15125550199", "text": "x"}, "/from"),
        ({"from": "+15125550123", "to": "../../reset", "text": "x"}, "/to"),
        ({"from": "+15125550123", "to": "+15125550199", "text": "x" * 1601}, "/text"),
        ({"from": "+15125550123", "to": "+15125550199", "text": "  "}, "/text"),
        ({"from": "+15125550123", "to": "+15125550199", "text": "x", "sign_with": "y"}, "/sign_with"),
    ],
)
async def test_what_cannot_be_sent_names_its_field(page: Client, body: dict[str, Any], pointer: str) -> None:
    answer = await page.post("/phone/messages", json=body)
    await said(answer, 422, "invalid")
    assert pointer in [one["pointer"] for one in answer.json()["errors"]]


async def test_only_json_is_taken(page: Client) -> None:
    await said(
        await page.post("/phone/messages", content=b"{}", headers={"Content-Type": "text/plain"}),
        400,
        "bad_payload",
    )


async def test_a_body_too_large_is_refused(page: Client) -> None:
    await said(await page.post("/phone/messages", content=b" " * 8_000_001), 400, "too_large")


async def test_a_number_that_nobody_has(page: Client, door: Door) -> None:
    await said(await text(page, door, "hi", to="+15125559999"), 422, "refused")


async def test_the_telephone_network_is_away(door: Door) -> None:
    settings = replace(door.rt.settings, simulator_url="http://127.0.0.1:1")
    async with client(replace(door, rt=replace(door.rt, settings=settings))) as page:
        await said(await text(page, door, "hi"), 503, "simulator_away")
        answer = await page.get(
            "/phone/messages", params={"number": door.desk.handset, "with": door.desk.number}
        )
        await said(answer, 503, "simulator_away")


async def test_a_screen_of_nobody(page: Client) -> None:
    await said(await page.get("/phone/messages?number=x&with=y"), 422, "invalid")


# --- the owner's desk ---


async def look(page: Client, door: Door, **query: str) -> dict[str, Any]:
    answer = await page.get("/phone/desk", params={"ws": door.business.slug, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_desk_tells_what_was_said_and_why(page: Client, door: Door) -> None:
    await text(page, door, "what are your hours?")
    assert (await look(page, door))["conversations"][0]["thinking"] is True
    await door.desk.settle()
    seen = await look(page, door, number=door.desk.handset)
    (one,) = seen["conversations"]
    assert (one["number"], one["owner"], one["thinking"], one["draft"]) == (
        door.desk.handset,
        "ai",
        False,
        False,
    )
    asked, answered = seen["conversation"]["messages"]
    assert (asked["author"], answered["author"], answered["delivery"]["state"]) == (
        "contact",
        "ai",
        "delivered",
    )
    (turn,) = seen["conversation"]["turns"]
    assert (turn["id"], turn["action"], turn["because"]) == (
        answered["turn_id"],
        "send",
        "it knew the answer",
    )
    assert turn["intent"]
    assert turn["notes"]


async def test_a_draft_waits(make_desk: Callable[..., Awaitable[Desk]], tmp_path: Path) -> None:
    desk = await make_desk(policy={"default": "draft"})
    async with open_door(desk, tmp_path) as door, client(door) as page:
        await text(page, door, "what are your hours?")
        await desk.settle()
        seen = await look(page, door, number=desk.handset)
        (draft,) = seen["drafts"]
        assert draft["conversation_id"] == seen["conversation"]["id"]
        assert "8:00" in draft["text"]
        assert seen["conversations"][0]["draft"] is True
        assert [one["author"] for one in seen["conversation"]["messages"]] == ["contact"]


async def test_a_conversation_is_chosen_by_its_id(page: Client, door: Door) -> None:
    await text(page, door, "hello")
    chosen = (await look(page, door))["conversations"][0]["id"]
    assert (await look(page, door))["conversation"] is None
    assert (await look(page, door, number="+14155550100"))["conversation"] is None
    assert (await look(page, door, conversation=chosen))["conversation"]["id"] == chosen
    query = {"ws": door.business.slug}
    await said(await page.get("/phone/desk", params=query | {"conversation": str(uuid4())}), 404, "not_found")
    await said(await page.get("/phone/desk", params=query | {"conversation": "x"}), 422, "invalid")
    await said(await page.get("/phone/desk?ws=another"), 404, "not_found")


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ([], None),
        (["delivered", "queued"], "queued"),
        (["sent", "delivered"], "sent"),
        (["failed", "queued"], "failed"),
        (["delivered", "delivered"], "delivered"),
    ],
)
def test_of_several_parts_the_slowest_counts_and_a_failure_first(
    states: list[str], shown: str | None
) -> None:
    parts = [{"state": state, "reason": None, "error_code": None} for state in states]
    found = owners_desk._delivery(parts)
    assert (found and found["state"]) == shown


def test_a_code_without_words_is_still_readable() -> None:
    assert (say("low_confidence"), say("some_new_code"), say(None)) == (
        "it is not sure enough",
        "some new code",
        "",
    )
