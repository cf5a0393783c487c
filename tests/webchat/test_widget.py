"""The widget as people use it, on a page with a strict policy, in a real browser."""

import asyncio
import base64
import gzip
import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime import demo
from tests.console.browser import Tab, open_tab
from tests.demo_rig import Door, open_door
from tests.rig import QUESTION, ROOT, new_number
from tests.webchat.chat_rig import Chat

SCRIPT = ROOT / "console/widget/widget.js"
DESK, PHONE = (1280, 800), (390, 844)
NASTY = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
ROOT_ = "document.querySelector('front-desk-chat').shadowRoot"
slow = pytest.mark.slow


def test_it_is_small_and_writes_no_markup() -> None:
    script = SCRIPT.read_bytes()
    assert len(gzip.compress(script, 9)) <= 12_000
    for forbidden in (b"innerHTML", b"outerHTML", b"insertAdjacentHTML", b"eval(", b"document.write"):
        assert forbidden not in script


@pytest.fixture
async def door(chat: Chat, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(chat.desk, tmp_path) as opened, opened.working():
        there = demo.read(opened.data_dir)
        assert there is not None
        business = replace(opened.business, chat_id=chat.url.rpartition("/")[2])
        demo.write(opened.data_dir, replace(there, workspaces=(business,)))
        yield opened


@pytest.fixture
async def tab(door: Door, tmp_path: Path) -> AsyncIterator[Tab]:
    async with open_tab(tmp_path / "profile") as opened:
        yield opened
        assert opened.complaints == []


async def arrive(
    tab: Tab, door: Door, size: tuple[int, int], *, dark: bool = False, lang: str = "en"
) -> None:
    await tab.open(f"{door.url}/widget-demo?lang={lang}", *size, dark=dark)
    await tab.until(f"document.querySelector('front-desk-chat') && {ROOT_}.querySelector('.fab')")


async def press(tab: Tab, selector: str) -> None:
    await tab.until(f"{ROOT_}.querySelector({selector!r})?.checkVisibility()")
    await tab.run(f"{ROOT_}.querySelector({selector!r}).click()")


async def write(tab: Tab, words: str) -> None:
    await tab.run(f"{ROOT_}.querySelector('textarea').focus()")
    await tab._ask("Input.insertText", text=words)
    await tab.press("Enter")


async def acked(tab: Tab, count: int) -> None:
    await tab.until(f"{ROOT_}.querySelectorAll('.m.me:not(.wait, .fail)').length === {count}")


async def bubbles(tab: Tab) -> list[list[str]]:
    """[me or them, words] of each."""
    found: list[list[str]] = await tab.run(
        f"[...{ROOT_}.querySelectorAll('.m')].map((n) => [n.classList.contains('me') ? 'me' : 'them',"
        " n.querySelector('.b').innerText])"
    )
    return found


async def picture(tab: Tab, name: str) -> None:
    if folder := os.environ.get("PICTURES"):  # noqa: TID251
        said = await tab._ask("Page.captureScreenshot", format="png")
        await asyncio.to_thread(Path(folder, f"{name}.png").write_bytes, base64.b64decode(said["data"]))


@slow
@pytest.mark.parametrize(("size", "dark"), [(DESK, False), (DESK, True), (PHONE, False), (PHONE, True)])
async def test_asked_answered_and_still_there_after_a_reload(
    tab: Tab, door: Door, size: tuple[int, int], dark: bool
) -> None:
    name = f"{size[0]}{'-dark' if dark else ''}"
    await arrive(tab, door, size, dark=dark)
    await picture(tab, f"closed-{name}")
    await press(tab, ".fab")
    await tab.until(f"{ROOT_}.querySelector('.m.them')")
    await write(tab, QUESTION)
    await tab.until(f"{ROOT_}.querySelectorAll('.m.them').length === 2")
    await write(tab, "👍 " + "and a rather long line that has to be broken somewhere " * 3)
    await write(tab, NASTY)
    await tab.until(f"{ROOT_}.querySelectorAll('.m.me:not(.wait)').length === 3")
    await tab.until(f"{ROOT_}.querySelectorAll('.m.them').length >= 3")
    before = await bubbles(tab)
    await picture(tab, f"open-{name}")
    assert ["me", NASTY] in before
    assert await tab.run("document.title") != "owned"
    assert await tab.run("document.documentElement.scrollWidth") == size[0]
    await arrive(tab, door, size, dark=dark)
    await press(tab, ".fab")
    await tab.until(f"{ROOT_}.querySelectorAll('.m').length === {len(before)}")
    assert await bubbles(tab) == before


@slow
async def test_what_comes_while_it_is_closed_is_counted_and_read_when_opened(
    tab: Tab, door: Door, chat: Chat
) -> None:
    await arrive(tab, door, PHONE, lang="es")
    await press(tab, ".fab")
    assert await tab.run(f"{ROOT_}.querySelector('textarea').placeholder") == "Escribe un mensaje"
    await write(tab, "hola")
    await tab.until(f"{ROOT_}.querySelectorAll('.m.me:not(.wait)').length === 1")
    await press(tab, "header button")
    await chat.desk.person_writes("Soy Kim.")
    await chat.desk.person_writes("¿Sigue ahí?")
    await tab.until(f"{ROOT_}.querySelector('.badge').textContent >= '2'")
    await picture(tab, "badge-390")
    await arrive(tab, door, PHONE, lang="es")
    await tab.until(f"{ROOT_}.querySelector('.badge').textContent >= '2'")
    await press(tab, ".fab")
    await tab.until(f"{ROOT_}.querySelector('.badge').hidden")
    await tab.until(f"{ROOT_}.querySelector('header small').textContent === 'Responde una persona'")
    async with asyncio.timeout(10):
        while set((await chat.desk.states())[-2:]) != {"read"}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@slow
async def test_a_bubble_that_failed_is_sent_again_once(tab: Tab, door: Door, chat: Chat) -> None:
    await arrive(tab, door, DESK)
    await press(tab, ".fab")
    await tab.until(f"{ROOT_}.querySelector('.m.them')")
    await write(tab, "first")
    await tab.until(f"{ROOT_}.querySelectorAll('.m.me:not(.wait)').length === 1")
    element = "document.querySelector('front-desk-chat')"
    await tab.run(f"{element}.socket.send = () => {{}}")
    await write(tab, "lost")
    await tab.until(f"{ROOT_}.querySelector('.m.me.wait')")
    await tab.run(f"{element}.fail([...{element}.unsent.values()][0])")
    await tab.until(f"{ROOT_}.querySelector('.m.me.fail .again')")
    await picture(tab, "failed-1280")
    await tab.run(f"delete {element}.socket.send")
    await press(tab, ".again")
    await tab.until(f"!{ROOT_}.querySelector('.m.me.fail, .m.me.wait')")
    assert (await chat.desk.said("contact")).count("lost") == 1


@slow
async def test_where_no_socket_gets_through_it_asks_again_and_again(tab: Tab, door: Door, chat: Chat) -> None:
    await tab._ask(
        "Page.addScriptToEvaluateOnNewDocument",
        source="window.WebSocket = function () { setTimeout(() => this.onclose(), 5) }",
    )
    await arrive(tab, door, DESK)
    await press(tab, ".fab")
    await tab.until("document.querySelector('front-desk-chat').fellBack")
    await write(tab, QUESTION)
    await tab.until(f"{ROOT_}.querySelectorAll('.m.me:not(.wait)').length === 1")
    await tab.until(f"{ROOT_}.querySelectorAll('.m.them').length === 2")


@slow
async def test_a_visitor_shows_whose_number_it_is(tab: Tab, door: Door, chat: Chat) -> None:
    handset = new_number()
    await arrive(tab, door, DESK)
    await press(tab, ".fab")
    await write(tab, f"/verify {handset}")
    told = f"{ROOT_}.querySelector('.log').innerText"
    await tab.until(f"{told}.includes('six digits')")
    await tab.until(f"!{ROOT_}.querySelector('.m.me')")
    async with asyncio.timeout(20):
        while not (came := chat.desk.ledger(handset)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    code = re.search(r"\b\d{6}\b", came[-1])
    assert code is not None
    await write(tab, str((int(code[0]) + 1) % 1_000_000).zfill(6))
    await tab.until(f"{told}.includes('not the code')")
    tab.complaints.clear()  # the browser names every refusal in its console
    await write(tab, code[0])
    await tab.until(f"{told}.includes('Thank you')")
    await write(tab, code[0])  # from now on six digits are what they say
    await acked(tab, 1)
