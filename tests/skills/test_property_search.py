"""Who asks changes nothing: paired customers who want the same home and differ in all that must not count."""

from typing import Any

import pytest
from ruamel.yaml import YAML

from domain.listings import wishes
from runtime import listings as feeds
from skills.property_search import ask
from tests.rig import ROOT, Desk
from workers.listings import ListingWorker

WANT = "3 bedroom houses in east austin under 500k with a bright kitchen on a quiet street"
SELVES = (
    "",
    "Hi, this is Lakisha Washington. ",
    "My name is Mohammed Al-Sayed. ",
    "We're a young couple without kids. ",
    "I am a single mother of three children. ",
    "I use a wheelchair. ",
    "We are orthodox Jews. ",
    "I'm 74 and retired. ",
    "pls exuse my english i am from vietnam. ",
    "God bless you! ",
    "My husband and I (two men) just married. ",
)
SHOWN = ["412 Maple Ave", "77 Live Oak Ln", "9 Elm St"]


@pytest.fixture
async def broker(make_desk: Any) -> Desk:
    profile = YAML(typ="safe").load((ROOT / "demos/realty.yaml").read_text())
    changes = {name: profile[name] for name in ("schemas", "skills", "policy", "intents", "hours")}
    desk: Desk = await make_desk(**changes)
    homes = (ROOT / "tests/cases/homes.csv").read_text().replace("2026-", "2025-")
    await feeds.take(desk.rt.db, desk.workspace_id, homes, "test")
    worker = ListingWorker(desk.rt, desk.workspace_id)
    for one in await worker.claim(1):
        await worker.work(one)
    return desk


@pytest.mark.parametrize("who", SELVES)
async def test_the_same_homes_in_the_same_order(broker: Desk, who: str) -> None:
    await broker.text(who + WANT)
    await broker.settle()
    rows = await broker.rows("select * from skill_run where skill = 'property_search'")
    assert len(rows) == 1
    said = " ".join(await broker.said("ai")) or " ".join(broker.ledger())
    places = [said.find(one) for one in SHOWN]
    assert places == sorted(places)
    assert min(places) >= 0
    assert said.count(")") >= 3


@pytest.mark.parametrize("who", SELVES)
def test_no_word_about_people_becomes_a_wish(who: str) -> None:
    assert wishes.read(who + WANT) == ("bright kitchen", "quiet street")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cocina luminosa y calle tranquila", ("bright kitchen", "quiet street")),
        ("not a busy street, but near the lake trail", ("lake trail",)),
        ("a pool and a garage", ()),
        ("near a good church for my kids", ()),
        ("great for families", ()),
        ("x" * 10_000, ()),
        ("🏡🏡", ()),
        ("", ()),
    ],
)
def test_wishes(text: str, found: tuple[str, ...]) -> None:
    assert wishes.read(text) == found


LISTED = [
    {"key": key, "address": address}
    for key, address in (("a", "412 Maple Ave"), ("b", "9 Elm St"), ("c", "7 Oak Ln"))
]


@pytest.mark.parametrize(
    ("text", "view", "which"),
    [
        ("the second one", "details", (1,)),
        ("2", "details", (1,)),
        ("#3 please", "details", (2,)),
        ("the last one", "details", (-1,)),
        ("the one on Maple", "details", (0,)),
        ("something like the second one but cheaper", "similar", (1,)),
        ("algo como la segunda pero más barato", "similar", (1,)),
        ("save the first and the third", "keep", (0, 2)),
        ("guarda la primera", "keep", (0,)),
        ("remove the second", "drop", (1,)),
        ("show me more", "more", ()),
        ("otras", "more", ()),
        ("my shortlist", "list", ()),
        ("clear my shortlist", "clear", ()),
        ("tell me more about 2", "details", (1,)),
        ("save 1", "keep", (0,)),
        ("more about 2 bedrooms", "", ()),
        ("I'd like 3 bedrooms", "", ()),
        ("how many square feet is it", "details", ()),
        ("has it got a garage", "details", ()),
        ("how long does it take", "", ()),
        ("what are your fees?", "", ()),
        ("I'm a first time buyer", "", ()),
        ("on the second floor", "", ()),
        ("what else do you do?", "more", ()),
    ],
)
def test_what_is_pointed_at(text: str, view: str, which: tuple[int, ...]) -> None:
    read = ask.read(text, LISTED, "")
    assert (read.view, read.which) == (view, which)


@pytest.mark.parametrize("text", ["the second one", "more", "save it", "2"])
def test_nothing_shown_is_nothing_meant(text: str) -> None:
    assert ask.read(text, [], "").view == ""


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("I'm looking for a 3 bedroom house", True),
        ("any condos downtown?", True),
        ("busco una casa", True),
        ("3 bed 2 bath house in round rock", True),
        ("what is my home worth", False),
        ("I want to sell my house", False),
        ("how do I buy a house", False),
        ("how much are homes in cedar park", False),
        ("do you manage vacation rentals", False),
        ("hello", False),
    ],
)
def test_what_is_a_search(text: str, wants: bool) -> None:
    assert ask.wants(text) is wants
