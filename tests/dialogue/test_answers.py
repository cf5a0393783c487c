"""The sentence that answers, out of a passage."""

from collections.abc import Sequence
from uuid import UUID, uuid5

import pytest

from dialogue.answers import LONGEST, pick, source_name
from dialogue.vocabulary import content, speaks, terms
from domain.turn import Passage
from tests.dialogue.library import ROOT, sections


def passage(text: str, heading: str = "", source: str = "Prices", score: float = 1.0) -> Passage:
    return Passage(uuid5(UUID(int=0), text + heading), source, heading, text, score)


TABLE = passage(
    "| Service | Price |\n|---|---|\n| Adult cleaning | $115 |\n| Checkup | $75 |", "Cleaning and checkup"
)
BULLETS = passage(
    "- **In-office** whitening: $390.\n- Take-home [kit](https://x.example): $220.", "Whitening"
)
PROSE = passage("We see children\nfrom age 3. A parent stays in the building.", "Children")


@pytest.mark.parametrize(
    ("question", "passages", "starts"),
    [
        ("checkup", [TABLE], "Checkup: $75"),
        ("cleaning", [TABLE, BULLETS], "Adult cleaning: $115"),
        ("in-office whitening", [TABLE, BULLETS], "In-office whitening: $390."),
        ("kit", [BULLETS], "Take-home kit: $220."),
        ("age of children", [PROSE, TABLE], "We see children from age 3."),
    ],
)
def test_picks(question: str, passages: Sequence[Passage], starts: str) -> None:
    answer = pick(question, passages)
    assert answer is not None
    assert answer.text.startswith(starts)


def test_nothing_to_pick_from() -> None:
    assert pick("anything", []) is None
    assert pick("anything", [passage("")]) is None
    assert pick("", [PROSE]) is not None


def test_the_word_that_was_asked_about() -> None:
    beside = pick(
        "schools round rock",
        [passage("Round Rock is 19 miles away."), passage("See the reports on schools.")],
    )
    assert beside is not None
    assert not beside.pointed or "schools" in beside.text


def test_the_customers_language_comes_first() -> None:
    both = [
        passage("No tomamos Medicaid ni planes HMO para los niños."),
        passage("We do not take Medicaid or an HMO."),
    ]
    assert [a.text[:2] for a in (pick("medicaid", both, language=lang) for lang in ("en", "es")) if a] == [
        "We",
        "No",
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "demos").glob("*/*.md")), ids=lambda path: path.name)
def test_every_answer_from_the_demos_fits_two_messages(path) -> None:  # type: ignore[no-untyped-def]
    for one in sections(path):
        answer = pick(one.heading, [one])
        assert answer is not None
        assert len(f"{answer.text} (from {source_name(one)})") <= LONGEST


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("Prices", "Prices"),
        ("demos/clinic/first-visit.md", "First visit"),
        ("price_list.pdf", "Price list"),
        ("Dr. Lee", "Dr. Lee"),
    ],
)
def test_names_its_source(source: str, name: str) -> None:
    assert source_name(passage("x", source=source)) == name


def test_terms() -> None:
    assert terms("cancelled") == terms("cancellations") == terms("cancel")
    assert terms("cleaning") == terms("cleanings")
    assert content("How much is the CLEANING please?") == ["cleaning"]
    assert (speaks("where do I park"), speaks("dónde queda la oficina"), speaks("ok")) == ("en", "es", "")
