import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import typer
from click.testing import Result
from twilio.request_validator import RequestValidator
from typer.testing import CliRunner

from channels.base import Account, Hook
from channels.forms import read_form
from channels.registry import open_channel
from domain.messages import Inbound
from frontdesk.cli import trigger
from frontdesk.cli.trigger import Target, describe, sign, write
from store.db import new_id
from tests.demo_rig import Door, open_door
from tests.rig import Desk

app = typer.Typer()
app.command()(trigger.trigger)
OUTSIDE = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "FRONTDESK_SECRET_KEY", "FRONTDESK_PUBLIC_URL"))
TARGET = Target(new_id(), "+15125550199", "AC" + "1" * 32, "token")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env=OUTSIDE)


@pytest.fixture
async def door(desk: Desk, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(desk, tmp_path) as opened:
        yield opened


async def fire(door: Door, *more: str, to: str = "", words: str = "are you open?") -> Result:
    place = ("--data-dir", str(door.data_dir), "--to", to or door.desk.number, "--from", door.desk.handset)
    return await asyncio.to_thread(run, "sms", words, *place, *more)


@pytest.mark.parametrize("words", ["hello", "", "é 😀 & = +\n", "Ünïcode" * 200])
def test_the_signature_is_twilios_own(words: str) -> None:
    form = describe(TARGET, "+15125550123", words, ["https://x.example/a.png?b=c"])
    url = "https://desk.example/channels/1/messages"
    assert RequestValidator("token").validate(url, form, sign("token", url, form))
    assert not RequestValidator("other").validate(url, form, sign("token", url, form))


def test_the_fields() -> None:
    form = describe(
        TARGET, "+15125550123", "x" * 161, ["https://x.example/a.png?b=c", "https://x.example/b"], "SM9"
    )
    assert (form["MessageSid"], form["NumSegments"], form["NumMedia"]) == ("SM9", "2", "2")
    assert (form["MediaContentType0"], form["MediaContentType1"]) == ("image/png", "image/jpeg")


async def test_the_server_takes_it_by_number_and_by_id(door: Door) -> None:
    for to in (door.desk.number, str(door.desk.channel_id)):
        ended = await fire(door, to=to)
        assert ended.exit_code == 0, ended.output
        assert ended.stdout.startswith("200 in ")
    assert await door.desk.said("contact") == ["are you open?"] * 2


async def test_the_same_sid_twice_is_one_message(door: Door) -> None:
    for _ in range(2):
        ended = await fire(door, "--sid", "SM" + "a" * 32, "--json")
        outcome = json.loads(ended.stdout)
        assert (outcome["status"], outcome["sid"]) == (200, "SM" + "a" * 32)
    assert len(await door.desk.said("contact")) == 1


async def test_a_server_that_refuses_is_an_error(door: Door) -> None:
    elsewhere = door.desk.stage.rt.settings.public_url  # checks signatures against its own address
    ended = await fire(door, "--url", elsewhere, "--json")
    assert (ended.exit_code, json.loads(ended.stdout)["status"]) == (1, 403)


async def test_nothing_answers_there(door: Door) -> None:
    ended = await fire(door, "--url", "http://127.0.0.1:1")
    assert (ended.exit_code, "nothing answers" in ended.stderr) == (4, True)


async def test_a_channel_that_does_not_exist(door: Door) -> None:
    for to in ("+15125559999", str(new_id())):
        ended = await fire(door, to=to)
        assert (ended.exit_code, "no channel has" in ended.stderr) == (2, True)


@pytest.mark.parametrize("what", ["voice", "pigeon"])
def test_what_is_not_built_yet(what: str) -> None:
    ended = run(what, "x", "--to", "y", "--from", "+15125550123")
    assert ended.exit_code == 2
    assert "this version" in ended.stderr


def test_a_sender_that_is_no_number() -> None:
    assert run("sms", "x", "--to", "y", "--from", "Bob").exit_code == 2


def test_nothing_is_set_and_nothing_is_up(tmp_path: Path) -> None:
    ended = run("sms", "x", "--to", "y", "--from", "+15125550123", "--data-dir", str(tmp_path))
    assert (ended.exit_code, "DATABASE_URL" in ended.stderr) == (2, True)


WHATSAPP = ("meta_whatsapp", "twilio_whatsapp")


@pytest.mark.parametrize("kind", WHATSAPP)
@pytest.mark.parametrize("person", ["+15125550123", "US.1234"])
def test_whatsapp_is_read_by_its_own_adapter(kind: str, person: str) -> None:
    """What is written here is what the channel verifies and understands."""
    target = Target(new_id(), "+15125550199", "AC" + "1" * 32, "secret", kind, "106540352242922")
    webhook = write(target, "https://desk.example", person, "are you open?", [], "")
    credentials = {"account_sid": target.account_sid, "auth_token": "secret", "app_secret": "secret"}
    channel = open_channel(
        kind, Account(target.address, credentials | {"phone_number_id": target.phone_number_id})
    )
    headers = {name.lower(): value for name, value in webhook.headers.items()}
    form = read_form(webhook.body, headers["content-type"])
    hook = Hook("https://desk.example" + webhook.path, headers, form, (), webhook.body)
    channel.verify(hook)
    (event,) = channel.parse(hook)
    assert isinstance(event, Inbound)
    assert (event.provider_id, event.sender.value, event.text) == (webhook.sid, person, "are you open?")


async def test_whatsapp_is_answered(make_desk: Callable[..., Awaitable[Desk]], tmp_path: Path) -> None:
    desk = await make_desk(channel={"kind": "twilio_whatsapp"})
    async with open_door(desk, tmp_path) as door:
        place = ("--data-dir", str(door.data_dir), "--to", desk.number, "--from", desk.handset, "--json")
        done = await asyncio.to_thread(run, "whatsapp", "What are your hours?", *place)
        assert (done.exit_code, json.loads(done.stdout)["status"]) == (0, 200)
        await desk.settle()
        assert await desk.said("contact") == ["What are your hours?"]
        wrong = await asyncio.to_thread(run, "sms", "hello", *place)
        assert wrong.exit_code == 2
