"""The page as people use it, in a real browser."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.console.browser import Tab, open_tab
from tests.demo_rig import Door, open_door
from tests.rig import Desk

pytestmark = pytest.mark.slow

DESK, PHONE = (1280, 800), (390, 844)
NASTY = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
TEXTS = "[...document.querySelectorAll({!r})].map((n) => n.innerText)"


@pytest.fixture
async def door(make_desk: Callable[..., Awaitable[Desk]], tmp_path: Path) -> AsyncIterator[Door]:
    desk = await make_desk(policy={"default": "draft"})
    async with open_door(desk, tmp_path) as opened, opened.working():
        yield opened


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with open_tab(tmp_path / "profile") as opened:
        yield opened
        assert opened.complaints == []


async def arrive(tab: Tab, door: Door, size: tuple[int, int], *, dark: bool = False) -> None:
    await tab.open(f"{door.url}/phone", *size, dark=dark)
    await tab.until("document.querySelector('#link')?.textContent === 'Connected'")


async def test_a_draft_is_edited_approved_and_arrives_on_the_phone(tab: Tab, door: Door) -> None:
    await arrive(tab, door, DESK)
    await tab.type("#text", "Hi there!", "Enter")
    await tab.type("#text", "what are your hours?", "Enter")
    await tab.until("document.querySelectorAll('.mine .tick-delivered').length === 2")
    await tab.until("document.querySelector('.card')?.innerText.includes('8:00')")
    await tab.click(".card button", "Edit & approve")
    await tab.run("document.querySelector('.card textarea').select()")
    await tab.type(".card textarea", "We open at eight.")
    await tab.click(".card button", "Send edited")
    await tab.until("document.querySelector('.theirs .tick-delivered')")
    assert "We open at eight." in (await tab.run(TEXTS.format(".theirs p")))[0]
    await tab.until("!document.querySelector('.card')")
    await tab.click(".line-ai button", "Why?")
    why = await tab.run("document.querySelector('#why').innerText")
    assert "Asked a person first" in why
    assert "ask hours" in why


async def test_a_draft_is_rejected_and_a_person_takes_over(tab: Tab, door: Door) -> None:
    await arrive(tab, door, DESK)
    await tab.type("#text", "what are your hours?", "Enter")
    await tab.click(".card button", "Reject")
    await tab.type(".card input", "too short")
    await tab.click(".card button", "Reject")
    await tab.until("!document.querySelector('.card')")
    await tab.click("#take")
    await tab.until("document.querySelector('#release').checkVisibility()")
    await tab.type("#words", "This is Kim.", "Enter")
    await tab.until("document.querySelector('.theirs')")
    assert await tab.run(TEXTS.format(".theirs p")) == ["This is Kim."]
    await tab.click("#release")
    await tab.until("document.querySelector('#take').checkVisibility()")


async def test_strangers_words_stay_words(tab: Tab, door: Door) -> None:
    await arrive(tab, door, DESK)
    await tab.type("#text", NASTY, "Enter")
    await tab.until("document.querySelector('.line-contact') && document.querySelector('.mine')")
    assert await tab.run(TEXTS.format(".mine p")) == [NASTY]
    assert await tab.run("document.querySelectorAll('main img, main script').length") == 0
    assert await tab.run("document.title") == "Frontdesk demo phone"


@pytest.mark.parametrize("dark", [False, True])
async def test_on_a_telephone_it_stacks(tab: Tab, door: Door, dark: bool) -> None:
    await arrive(tab, door, PHONE, dark=dark)
    light = await tab.run("getComputedStyle(document.querySelector('#phone')).backgroundColor")
    assert (light == "rgb(255, 255, 255)") is not dark
    await tab.type("#text", "what are your hours?", "Enter")
    await tab.until("document.querySelector('#view-count').textContent === '1'")
    assert not await tab.run("document.querySelector('#desk').checkVisibility()")
    await tab.click("[data-view-button=desk]")
    assert not await tab.run("document.querySelector('#phone').checkVisibility()")
    await tab.click(".entry")
    await tab.until("document.querySelector('.card')?.checkVisibility()")
    await tab.click("[data-thread-button=why]")
    assert await tab.run("document.querySelector('.why').checkVisibility()")
    await tab.click("#back")
    await tab.until("document.querySelector('.entry').checkVisibility()")
    assert await tab.run("document.documentElement.scrollWidth") == PHONE[0]
    small = (
        "[...document.querySelectorAll('button, input, select, textarea')].filter((n) => n.checkVisibility()"
    )
    assert await tab.run(f"{small} && n.getBoundingClientRect().height < 24).map((n) => n.outerHTML)") == []


async def test_by_the_keyboard_alone(tab: Tab, door: Door) -> None:
    await arrive(tab, door, DESK)
    reached = {}
    for _ in range(14):
        await tab.press("Tab")
        name, outline = await tab.run(
            "[document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]"
        )
        reached[name] = outline
    assert {reached.get(one) for one in ("business", "me", "me-new", "screen", "attach", "text")} == {"solid"}


async def test_a_lost_connection_is_said_and_found_again(tab: Tab, door: Door) -> None:
    await arrive(tab, door, DESK)
    await tab.run("window.real = window.fetch; window.fetch = () => Promise.reject(new TypeError('cut'))")
    await tab.until("document.querySelector('#link').textContent === 'Connection lost'")
    assert await tab.run("document.querySelector('#trouble').checkVisibility()")
    await tab.type("#text", "hello?", "Enter")
    await tab.until("document.querySelector('.mine .tick-failed')")
    await tab.run("window.fetch = window.real; window.dispatchEvent(new Event('online'))")
    await tab.until("document.querySelector('#link').textContent === 'Connected'")
    await tab.click(".mine button", "Try again")
    await tab.until("document.querySelector('.mine .tick-delivered')")
