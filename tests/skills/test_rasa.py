"""Action servers: stories against a real rasa-sdk process; what is told to it, what of its answer is obeyed, and what
becomes of a call when the other server is slow, broken, huge, wrong, or the process that called it dies."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML
from typer.testing import CliRunner

from domain.actions import ActionFailed, RasaSettings, Trouble
from domain.entities import find_entities
from domain.fields import Here
from domain.skill import Heard, Run, Spoken
from domain.webhooks import sign
from domain.workspace import Profile
from frontdesk.cli import app
from frontdesk.cli.test import choose
from frontdesk.stories import script
from frontdesk.stories.player import play_all
from frontdesk.stories.script import Story
from frontdesk.stories.stage import Stage
from runtime import files
from runtime.actions import HttpActions
from runtime.http import open_public_client
from runtime.runtime import open_runtime
from runtime.settings import FETCH_INSIDE
from skills.rasa import answer, tracker
from store import notifications, webhooks
from tests.rasa_rig import action_server, reaching
from tests.rig import Desk, open_desk
from workers.actions import LEASE, ActionWorker

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
GOLDEN = HERE / "cases" / "rasa_call.golden.json"
REWRITE = os.environ.get("GOLDEN") == "rewrite"  # noqa: TID251
ORDERS: dict[str, Any] = YAML(typ="safe").load((ROOT / "tests/cases/orders.yaml").read_text(encoding="utf-8"))
TOLD = [pytest.param(one, id=one.story) for one in script.read(HERE / "stories" / "rasa.yaml")]
CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 23, 9, tzinfo=CHICAGO)
HERE_NOW = Here(NOW, "en")
SETTINGS = RasaSettings.model_validate(ORDERS["skills"]["rasa"])
SERVER = SETTINGS.servers[0]
STATUS, CANCEL, REMIND = SERVER.actions
ID = UUID("018f0000-0000-7000-8000-000000000001")


# --- a real action server ---


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with action_server() as url:
        yield url


def shop(url: str, **changes: Any) -> dict[str, Any]:
    """The business whose action server is there; `changes` are of every action."""
    told: dict[str, Any] = json.loads(json.dumps(ORDERS))
    served = told["skills"]["rasa"]["servers"][0]
    served["url"] = url
    for action in served["actions"]:
        action |= changes
    return told


@pytest.mark.parametrize("story", TOLD)
async def test_story(stage: Stage, server: str, story: Story) -> None:
    async with reaching(stage, "127.0.0.1") as there:
        ((_, report),) = await play_all(there, [story.model_copy(update={"workspace": shop(server)})], ROOT)
    if report:
        pytest.fail(report, pytrace=False)


@pytest.mark.slow  # a database of its own; that the setting is read is tested below
def test_a_story_of_the_command_line_reaches_whom_the_operator_allows(server: str, tmp_path: Path) -> None:
    told = {**TOLD[5].values[0].model_dump(mode="json", exclude_unset=True), "workspace": shop(server)}
    story = tmp_path / "story.yaml"
    with story.open("w") as file:
        YAML().dump(told, file)
    ended = CliRunner().invoke(app, ["test", str(story)], env={FETCH_INSIDE: urlsplit(server).netloc})
    assert ended.exit_code == 0, ended.output


def test_stories_of_the_command_line_know_whom_the_operator_allows() -> None:
    chosen = choose(False, {FETCH_INSIDE: "127.0.0.1:5055, actions"})
    assert chosen == {"fetch_inside": frozenset({"127.0.0.1:5055", "actions"})}


async def test_a_story_that_may_not_reach_it_says_which_setting_would_allow_it(stage: Stage) -> None:
    story = TOLD[1].values[0].model_copy(update={"workspace": shop("http://127.0.0.1:5055/webhook")})
    ((_, report),) = await play_all(stage, [story], ROOT)
    assert f"not public (port 5055; the operator allows it with {FETCH_INSIDE}=127.0.0.1:5055)" in str(report)


def test_what_the_page_declares_is_valid() -> None:
    page = (ROOT / "docs/how-to/rasa.md").read_text(encoding="utf-8")
    (declared,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    skills = YAML(typ="safe").load(declared)["skills"]
    files.check({**ORDERS, "skills": skills}, "rasa.md", ROOT)
    assert RasaSettings.model_validate(skills["rasa"]).find("action_order_status")


# --- what it is told ---


def heard(text: str = "cancel order A-10442 tomorrow at 3pm 😀 por favor", **more: Any) -> Heard:
    basis: dict[str, Any] = {
        "text": text, "intent": "action_cancel_order", "language": "en", "now": NOW,
        "profile": Profile.model_validate(ORDERS), "workspace_id": ID, "contact_id": ID, "conversation_id": ID,
        "channel_kind": "twilio_sms", "seq": 3, "entities": find_entities(text, NOW), "sure": 0.87654321,
        "past": (Spoken("hi", NOW - timedelta(minutes=2), False), Spoken("Hello!", NOW - timedelta(minutes=1), True)),
    }  # fmt: skip
    return Heard(**(basis | more))


def test_the_call_is_as_it_was() -> None:
    run = Run(ID, "rasa", "action_cancel_order", 3, memory={"asked": "order"})
    told = {
        "asked": tracker.call(SERVER, CANCEL, run, heard(), {"order": None}),
        "filled": tracker.call(SERVER, CANCEL, replace(run, memory={}), heard(past=()), {"order": "A-10442"}),
        "reminder": tracker.external(tracker.call(SERVER, STATUS, run, heard(), {"order": "A-10442"}), STATUS.name),
    }  # fmt: skip
    if REWRITE:
        GOLDEN.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert told == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_history_is_limited_and_long_messages_are_cut() -> None:
    quiet = SERVER.model_copy(update={"history": 0})
    run = Run(ID, "rasa", "action_cancel_order", 3)
    told = tracker.call(quiet, CANCEL, run, heard("x" * 10_000), {})
    assert [one["event"] for one in told["tracker"]["events"]] == ["action", "user"]
    assert len(told["tracker"]["latest_message"]["text"]) == tracker.LONGEST


# --- what of its answer is obeyed ---

_SLOT = {"event": "slot", "timestamp": None, "name": "eta", "value": "2026-12-01"}
_LATER = (NOW + timedelta(days=2)).isoformat()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"events": [], "responses": []}, {}),
        ({"events": None, "responses": None}, {}),
        ({"events": [_SLOT]}, {"slots": {"eta": "2026-12-01"}}),
        ({"events": [_SLOT | {"value": None}]}, {"slots": {"eta": None}}),
        ({"events": [_SLOT | {"value": "soon"}]}, {"slots": {}, "reports": 1}),
        ({"events": [_SLOT | {"value": {"a": [1]}}]}, {"slots": {}, "reports": 1}),
        ({"events": [_SLOT | {"name": "score"}]}, {"slots": {}, "reports": 1}),
        ({"events": [_SLOT | {"name": ["eta"]}]}, {"slots": {}, "reports": 1}),
        ({"events": [_SLOT, {"event": "reset_slots"}]}, {"slots": {}, "reset": True}),
        ({"events": [{"event": "slot", "name": "requested_slot", "value": "order"}]}, {"ask": "order"}),
        ({"events": [{"event": "slot", "name": "requested_slot", "value": "pin"}]}, {"ask": "", "reports": 1}),
        ({"events": [{"event": "followup", "name": "action_cancel_order"}]}, {"followup": "action_cancel_order"}),
        ({"events": [{"event": "followup", "name": "action_listen"}]}, {"followup": ""}),
        ({"events": [{"event": "followup", "name": "action_delete_all"}]}, {"followup": "", "reports": 1}),
        ({"events": [{"event": "reminder", "intent": "action_order_status", "date_time": _LATER, "name": "x"}]},
         {"reminders": 1}),
        ({"events": [{"event": "reminder", "intent": "action_cancel_order", "date_time": _LATER}]}, {"reports": 1}),
        ({"events": [{"event": "reminder", "intent": "action_order_status", "date_time": "2020-01-01"}]}, {"reports": 1}),
        ({"events": [{"event": "reminder", "intent": "action_order_status", "date_time": "soon"}]}, {"reports": 1}),
        ({"events": [{"event": "cancel_reminder", "name": "x"}]}, {"dropped": ("x",)}),
        ({"events": [{"event": "restart"}, {"event": "pause"}, {"event": "user", "text": "hi"}]}, {"reports": 3}),
        ({"events": [{"event": "active_loop", "name": None}]}, {"reports": 0}),
        ({"events": ["slot", 7, None]}, {"reports": 1}),
        ({"events": [_SLOT] * 500}, {"slots": {"eta": "2026-12-01"}, "reports": 1}),
        ({"responses": [{"text": "one"}, {"text": " two\x00\u202e "}]}, {"text": "one\ntwo"}),
        ({"responses": [{"text": "Pick", "buttons": [{"title": "Red"}, {"title": "Blue"}, {}, 3]}]},
         {"text": "Pick Red / Blue"}),
        ({"responses": [{"response": "utter_no_order", "number": "B-1"}]}, {"text": "I find no order B-1."}),
        ({"responses": [{"response": "utter_secret"}]}, {"text": "", "reports": 1}),
        ({"responses": [{"image": "https://127.0.0.1/a.png"}]}, {"text": "https://127.0.0.1/a.png", "away": False}),
        ({"responses": [{"image": "javascript:alert(1)"}]}, {"text": "", "reports": 1}),
        ({"responses": [{"custom": {"a": 1}}]}, {"text": "", "reports": 1}),
        ({"responses": [{"text": "see https://evil.example/x"}]}, {"away": True}),
        ({"responses": [{"text": "see bit.ly/x"}]}, {"away": True}),
        ({"responses": [{"text": "y" * 5_000}]}, {"length": answer.LONGEST, "reports": 1}),
        ({"responses": [{"text": "a"}] * 30}, {"text": "\n".join("a" * 10), "reports": 1}),
        ({"responses": ["a", {"text": 5}]}, {"text": "", "reports": 1}),
    ],
)  # fmt: skip
def test_what_is_obeyed(told: Any, expected: dict[str, Any]) -> None:
    got = answer.read(told, SERVER, STATUS, {"order": "A-10442"}, HERE_NOW)
    seen = {
        "slots": got.slots, "reset": got.reset, "text": got.text, "ask": got.ask, "followup": got.followup,
        "reminders": len(got.reminders), "dropped": got.dropped, "reports": len(got.reports), "away": got.leads_away,
        "length": len(got.text),
    }  # fmt: skip
    assert {name: seen[name] for name in expected} == expected, got
    assert expected.get("reports", 0) == len(got.reports), got.reports


@pytest.mark.parametrize("told", [None, [], "ok", 7, {"events": {}}, {"responses": "hi"}])
def test_what_is_no_answer(told: Any) -> None:
    with pytest.raises(ActionFailed) as failed:
        answer.read(told, SERVER, STATUS, {}, HERE_NOW)
    assert failed.value.trouble is Trouble.UNREADABLE


# --- servers that misbehave ---


@dataclass
class Wild:
    """A server that answers each connection with the next of these bytes; b"" hangs up, None says nothing."""

    url: str = ""
    answers: list[bytes | None] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
            self.heard.append((headers, await reader.readexactly(int(headers.get("content-length", 0)))))
            told = (
                self.answers.pop(0)
                if self.answers
                else ok({"events": [], "responses": [{"text": "Done it."}]})
            )
            if told is None:
                await asyncio.sleep(30)
            else:
                writer.write(told)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side is tired of waiting
        finally:
            writer.close()


def http(status: int, body: bytes) -> bytes:
    return f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


def ok(told: Any) -> bytes:
    return http(200, json.dumps(told).encode())


@asynccontextmanager
async def wild() -> AsyncIterator[Wild]:
    one = Wild()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhook"
    try:
        yield one
    finally:
        server.close()


@pytest.fixture
async def other() -> AsyncIterator[Wild]:
    async with wild() as one:
        yield one


TROUBLES = [
    (http(500, b'{"error": "x"}'), Trouble.BROKE),
    (http(503, b""), Trouble.BROKE),
    (http(204, b""), Trouble.BROKE),
    (http(400, b'{"error": "no", "action_name": "a"}'), Trouble.REJECTED),
    (http(400, b"bad request"), Trouble.REFUSED),
    (http(401, b"{}"), Trouble.REFUSED),
    (http(404, b'{"error": "x", "action_name": "a"}'), Trouble.REFUSED),
    (http(429, b""), Trouble.REFUSED),
    (http(302, b""), Trouble.REFUSED),
    (http(200, b"<html>"), Trouble.UNREADABLE),
    (http(200, b""), Trouble.UNREADABLE),
    (http(200, b"[" * 100_000), Trouble.UNREADABLE),
    (http(200, b"\xff\xfe"), Trouble.UNREADABLE),
    (http(200, b'"' + b"a" * 300_000 + b'"'), Trouble.TOO_LARGE),
    (b"HTTP/1.1 200 X\r\ncontent-length: 50\r\n\r\n{}", Trouble.NO_ANSWER),
    (b"", Trouble.NO_ANSWER),
    (b"hello\r\n\r\n", Trouble.NO_ANSWER),
    (None, Trouble.NO_ANSWER),
]  # fmt: skip


@pytest.mark.parametrize(("told", "trouble"), TROUBLES, ids=lambda one: str(one)[:40])
async def test_a_call_that_fails_says_how(
    stage: Stage, other: Wild, told: bytes | None, trouble: Trouble
) -> None:
    other.answers = [told]
    served = SERVER.model_copy(update={"url": other.url})
    action = CANCEL.model_copy(update={"timeout": timedelta(seconds=0.3)})
    async with open_public_client(["127.0.0.1"]) as web:
        with pytest.raises(ActionFailed) as failed:
            await HttpActions(stage.rt.db, web).call(ID, served, action, {}, "key")
    assert failed.value.trouble is trouble
    assert len(other.heard) == 1


async def test_nobody_is_reached_where_a_conversation_is_only_repeated(stage: Stage, other: Wild) -> None:
    """`frontdesk replay` must not cancel the order a second time."""
    shut = replace(stage.rt.settings, shut_in=True, fetch_inside=frozenset({"127.0.0.1"}))
    async with open_runtime(shut) as rt:
        served = SERVER.model_copy(update={"url": other.url})
        with pytest.raises(ActionFailed) as failed:
            await HttpActions(rt.db, rt.web).call(ID, served, CANCEL, {}, "key")
    assert failed.value.trouble is Trouble.NOT_PUBLIC
    assert other.heard == []


@pytest.mark.parametrize(
    ("url", "inside", "trouble"),
    [
        ("http://127.0.0.1:5055/webhook", [], Trouble.NOT_PUBLIC),
        ("http://169.254.169.254/latest", [], Trouble.NOT_PUBLIC),
        ("http://[::1]/webhook", [], Trouble.NOT_PUBLIC),
        ("http://127.0.0.1:9/webhook", ["127.0.0.1"], Trouble.NOT_REACHED),
    ],
)
async def test_addresses_of_the_inside_are_for_the_operator_to_allow(
    stage: Stage, url: str, inside: list[str], trouble: Trouble
) -> None:
    async with open_public_client(inside) as web:
        served = SERVER.model_copy(update={"url": url})
        with pytest.raises(ActionFailed) as failed:
            await HttpActions(stage.rt.db, web).call(ID, served, CANCEL, {}, "key")
    assert failed.value.trouble is trouble


# --- through conversations ---


@asynccontextmanager
async def talking(stage: Stage, url: str, **changes: Any) -> AsyncIterator[Desk]:
    stage.clock.frozen = NOW
    policy = changes.pop("policy", {})
    async with reaching(stage, "127.0.0.1") as there:
        yield await open_desk(there, skills=shop(url, **changes)["skills"], policy=policy)


async def says(desk: Desk, *words: str) -> str:
    before = len(desk.ledger())
    for one in words:
        await desk.text(one)
        await desk.settle()
    return "\n".join(desk.ledger()[before:])


async def told_owner(desk: Desk) -> list[str]:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        found = await notifications.page(tx, desk.person_id, unread=True, before=None, limit=50)
    return [one.text for one in found if one.text]


async def test_a_look_up_that_fails_is_tried_once_more(stage: Stage, other: Wild) -> None:
    other.answers = [http(500, b"")]
    async with talking(stage, other.url) as desk:
        assert "Done it." in await says(desk, "where is my order A-10442")
    assert len(other.heard) == 2
    assert len({headers["idempotency-key"] for headers, _ in other.heard}) == 1


@pytest.mark.parametrize("told", [http(500, b""), b"", http(200, b"<html>")])
async def test_a_write_that_nobody_can_vouch_for_is_never_repeated(
    stage: Stage, other: Wild, told: bytes
) -> None:
    other.answers = [told]
    async with talking(stage, other.url) as desk:
        said = await says(desk, "cancel my order A-10442", "yes")
        assert "cannot say whether it went through" in said
        desk.wait(hours=1)
        await desk.settle()
        assert len(other.heard) == 1
        assert ["nobody knows whether it was carried out" in one for one in await told_owner(desk)] == [True]
        assert (await desk.conversation()).owner == "human"


async def test_a_write_that_is_safe_to_repeat_is_repeated(stage: Stage, other: Wild) -> None:
    other.answers = [http(503, b""), http(503, b"")]
    async with talking(stage, other.url, safe_to_repeat=True) as desk:
        await says(desk, "cancel my order A-10442", "yes")
        for _ in range(2):
            desk.wait(seconds=30)
            await desk.settle()
        assert "Done it." in "\n".join(desk.ledger())
    assert len(other.heard) == 3
    assert len({body for _, body in other.heard}) == 1


@pytest.mark.parametrize("safe", [True, False])
async def test_a_process_that_dies_in_the_middle(stage: Stage, other: Wild, *, safe: bool) -> None:
    """It had called; whoever comes next calls again only if that is safe."""
    async with talking(stage, other.url, safe_to_repeat=safe) as desk:
        await says(desk, "cancel my order A-10442")
        await desk.text("yes")
        await desk.turn()
        dead = ActionWorker(desk.rt, desk.workspace_id)
        ((_, timer_id),) = await dead.claim(8)
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            assert await dead._begin(tx, timer_id) is not None
        desk.wait(seconds=LEASE.total_seconds() + 1)
        await desk.settle()
        said = "\n".join(desk.ledger())
    assert ("Done it." in said) is safe
    assert ("cannot say whether" in said) is not safe
    assert len(other.heard) == int(safe)


async def test_two_workers_call_once(stage: Stage, other: Wild) -> None:
    async with talking(stage, other.url) as desk:
        await says(desk, "cancel my order A-10442")
        await desk.text("yes")
        await desk.turn()
        workers = [ActionWorker(desk.rt, desk.workspace_id) for _ in range(2)]
        due = [one for group in await asyncio.gather(*(one.claim(8) for one in workers)) for one in group]
        await asyncio.gather(*(workers[0].work(one) for one in due))
        await desk.settle()
    assert len(other.heard) == 1


async def test_a_draft_calls_nobody_before_it_is_approved(stage: Stage, other: Wild) -> None:
    async with talking(stage, other.url, policy={"default": "draft"}) as desk:
        await says(desk, "cancel my order A-10442")
        assert other.heard == []
        assert desk.ledger() == []


async def test_a_link_that_nobody_declared_is_seen_by_a_person_first(stage: Stage, other: Wild) -> None:
    other.answers = [ok({"responses": [{"text": "Pay at https://evil.example/pay"}]})]
    async with talking(stage, other.url) as desk:
        assert await says(desk, "where is my order A-10442") == ""
        (draft,) = await desk.rows("select reason from draft where state = 'pending'")
        assert draft.reason == "action_link"


@pytest.mark.parametrize("auth", ["signature", "bearer"])
async def test_the_call_is_signed_with_the_webhooks_secret(stage: Stage, other: Wild, auth: str) -> None:
    async with talking(stage, other.url) as desk:
        served = SERVER.model_copy(update={"url": other.url, "auth": auth})
        actions = HttpActions(desk.rt.db, desk.rt.web)
        await actions.call(desk.workspace_id, served, CANCEL, {"a": "ñ"}, "key-1")
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            mine, now = await webhooks.of_action_server(tx, other.url), tx.now
            await webhooks.change(tx, mine.id, description="", kinds=(), active=False)
        headers, body = other.heard[0]
        if auth == "bearer":
            assert headers["authorization"] == f"bearer {mine.secret}".lower()
        else:
            signature = sign(mine.secret, "key-1", now, body.decode())["webhook-signature"]
            assert headers["webhook-signature"] == signature.lower()
        with pytest.raises(ActionFailed) as failed:
            await actions.call(desk.workspace_id, served, CANCEL, {}, "key-2")
        assert failed.value.trouble is Trouble.SWITCHED_OFF
        assert len(other.heard) == 1


# --- what a file may say ---


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "ftp://x/y"}, "is no address"),
        ({"url": "https://user:pw@x.example/webhook"}, "holds no password"),
        ({"url": "http://x:99999/"}, "is no address"),
        ({"actions": []}, "at least 1"),
        ({"actions": [{"name": "a b", "description": "x"}]}, "String should match"),
        ({"actions": [{"name": "a", "description": "x"}, {"name": "a", "description": "y"}]}, "two actions are named a"),
        ({"actions": [{"name": "a", "description": "x", "risk": "own_data"}]}, "set verification: 1"),
        ({"actions": [{"name": "a", "description": "x", "timeout": "5m"}]}, "less than or equal"),
        ({"actions": [{"name": "a", "description": "x", "slots": [{"name": "s", "type": "text"}] * 2}]},
         "two slots have the same name"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        RasaSettings.model_validate({"servers": [ORDERS["skills"]["rasa"]["servers"][0] | changes]})
