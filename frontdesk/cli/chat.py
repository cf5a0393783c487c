"""`frontdesk chat`: the phone in a terminal, against a running `frontdesk up`."""

import asyncio
import contextlib
import re
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from frontdesk import telling
from frontdesk.cli import place
from frontdesk.cli.ending import fail
from frontdesk.guests import NumberTaken, open_guest
from frontdesk.session import Session
from frontdesk.talk import ReadDesk, Talk, TalkFailed, new_number
from frontdesk.telling import Json, Tell
from frontdesk.web_talk import WebTalk
from runtime import demo as demo_file
from runtime import settings as reading
from runtime.demo import BadDemo, Business, Demo
from runtime.http import open_client
from runtime.runtime import Runtime, open_runtime
from runtime.settings import BadSettings, Settings
from store import channels
from store.db import UNAVAILABLE

NOT_RUNNING = "frontdesk is not running: start it in another terminal with `make run`"


def chat(
    workspace: Annotated[
        str, typer.Option("--workspace", "-w", help="The business: its slug or number.")
    ] = "",
    channel: Annotated[str, typer.Option(help="sms or webchat; the others are not built yet.")] = "sms",
    number: Annotated[
        str, typer.Option("--as", help="Your own number, or name in a web chat. Default: a new customer.")
    ] = "",
    data_dir: Annotated[Path | None, typer.Option(help="Where `up` keeps everything. Default: .data")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Text a business from the terminal: a demo's, or any other of this installation. Reads lines from a pipe too: each is
    sent, answered, and printed.

    Example: `printf 'How much is a cleaning?\\n/why\\n' | frontdesk chat -w clinic --as +15125550123`
    """
    _known(channel)
    demo = _running(data_dir)
    found = _demo_business(demo, workspace)
    me = number if channel == "webchat" else _number(number)
    sitting = Sitting(demo, channel, me, json, sys.stdin.isatty() and sys.stdout.isatty() and not json)
    try:
        worked = asyncio.run(
            sitting.hold(found) if found else sitting.hold_as_guest(workspace, _settings(demo, data_dir))
        )
    except KeyboardInterrupt:
        worked = True
    except TalkFailed as error:
        fail(NOT_RUNNING if error.away else str(error), 4 if error.away else 1)
    except NumberTaken as error:
        fail(str(error), 2)
    except UNAVAILABLE:
        fail(NOT_RUNNING, 4)
    raise typer.Exit(0 if worked else 1)


TALKS: dict[str, type[Talk]] = {"sms": Talk, "webchat": WebTalk}


def _known(channel: str) -> None:
    if channel in ("whatsapp", "voice"):
        fail(f"this version has sms and webchat; {channel} is not built yet", 2)
    if channel not in TALKS:
        fail(f"there is no channel {channel!r}; this version has sms and webchat", 2)


def _number(said: str) -> str:
    me = re.sub(r"[\s().-]", "", said) or new_number()
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", me):
        fail(f"{said!r} is not a telephone number; write it like +15125550123", 2)
    return me


def _running(data_dir: Path | None) -> Demo:
    try:
        demo = demo_file.read((data_dir or reading.data_dir()).absolute())
    except BadDemo as error:
        fail(str(error), 1)
    return demo or fail(NOT_RUNNING, 4)


def _demo_business(demo: Demo, name: str) -> Business | None:
    """None for another one of this installation."""
    if not demo.workspaces:
        fail("there is no telephone network here to text over: start with `frontdesk up --demo clinic`", 1)
    return demo.find(name) if name else demo.workspaces[0]


def _settings(demo: Demo, data_dir: Path | None) -> Settings:
    """Those of the running `up`, whatever database the environment names."""
    environ = place.process_environment()
    if data_dir is not None:
        environ["FRONTDESK_DATA_DIR"] = str(data_dir.absolute())
    try:
        return reading.read(place.of_up(demo, environ))
    except BadSettings as error:
        fail(str(error), 2)


async def _find(rt: Runtime, name: str) -> UUID:
    """By slug, id, or a number that is nobody else's."""
    async with rt.db.dispatch() as dispatch:
        owners = await channels.locate(dispatch, "twilio_sms", name)
    return owners[0][0] if len(owners) == 1 else await place.find_workspace(rt, name)


@dataclass(frozen=True, slots=True)
class Sitting:
    """One time at the terminal phone; what is done returns False when something that was asked for could not be."""

    demo: Demo
    channel: str
    me: str
    json: bool
    live: bool

    async def hold_as_guest(self, name: str, settings: Settings) -> bool:
        async with open_runtime(settings) as rt:
            workspace_id = await _find(rt, name)
            async with open_guest(rt, workspace_id, self.demo.simulator_url, self.demo.workspaces) as guest:
                return await self.hold(guest.business, guest.read_desk)

    async def hold(self, business: Business, read_desk: ReadDesk | None = None) -> bool:
        if self.channel == "webchat" and not business.chat_id:
            fail(f"{business.name} has no web chat", 2)
        if self.channel == "sms" and not business.number:
            fail(
                f"{business.name} has no number for text messages; --channel webchat if it has a web chat", 2
            )
        async with open_client() as http:
            talk = TALKS[self.channel](http, self.demo.url, business, self.me, read_desk=read_desk)
            session = Session(talk, _teller(self.json, self.live))
            await session.begin()
            lines = _lines("you › " if self.live else "")
            await (session.live(lines) if self.live else session.script(lines))
            return session.worked


def _teller(json: bool, live: bool) -> Tell:
    if json:
        return telling.as_json
    tell = telling.for_people(Console(highlight=False))
    return _around_prompt(tell) if live else tell


async def _lines(prompt: str = "") -> AsyncIterator[str]:
    """Lines of standard input until it ends. The thread that waits for them may be left waiting at the end."""
    queue: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        with contextlib.suppress(EOFError, RuntimeError):  # RuntimeError: the loop has ended meanwhile
            while True:
                loop.call_soon_threadsafe(queue.put_nowait, input(prompt))
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, None)

    with _terminal_kept():
        threading.Thread(target=read, daemon=True).start()
        while (line := await queue.get()) is not None:
            yield line


@contextlib.contextmanager
def _terminal_kept():  # type: ignore[no-untyped-def]
    """Line editing changes the terminal, and an interrupted thread does not change it back."""
    if not sys.stdin.isatty():
        yield
        return
    import termios

    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _around_prompt(tell: Tell) -> Tell:
    """What arrives while a line is being typed goes above it."""
    import readline

    def told(event: Json) -> None:
        if event["event"] == "ready":  # said before the first prompt
            return tell(event)
        sys.stdout.write("\r\033[K")
        sys.stdout.flush()
        tell(event)
        sys.stdout.write(f"you › {readline.get_line_buffer()}")
        sys.stdout.flush()

    return told
