"""Every phrase of cases/optout.csv is read as a person labelled it; `stop?` and `start` are never guessed."""

import csv
import time
from pathlib import Path
from string import ascii_lowercase, digits

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.messages import Keyword
from domain.optout import OptOutReading, _regex, classify, might_ask, plain
from domain.optout_phrases import MAYBE, START, SURE

PLAIN = f"{ascii_lowercase}{digits}_ ,"
"""What is left by `plain`, and a line is read from one mark to the next."""
CASES = Path(__file__).parent / "cases" / "optout.csv"


def rows() -> list[tuple[str, str]]:
    with CASES.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def label(reading: OptOutReading) -> str:
    if reading.keyword is None:
        return "none"
    return str(reading.keyword) + ("" if reading.certain else "?")


def wrong(wanted: str) -> list[str]:
    return [
        f"{text!r} → {label(classify(text))}"
        for text, is_ in rows()
        if is_ == wanted and label(classify(text)) != is_
    ]


def test_there_are_enough_cases() -> None:
    texts = [text for text, _ in rows()]
    assert len(texts) >= 300
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("wanted", ["stop", "stop?", "start", "help", "none"])
def test_reads_as_a_person_does(wanted: str) -> None:
    assert wrong(wanted) == []


def test_nothing_harmless_is_ever_a_certain_stop() -> None:
    assert [text for text, is_ in rows() if is_ == "none" and label(classify(text)) == "stop"] == []


@pytest.mark.parametrize("word", ["stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"])
@pytest.mark.parametrize("shape", ["{}", "{}.", "  {}!!! ", '"{}"', "{}\n", "{} 🛑", "{}\u200b"])
def test_the_words_of_the_law_in_any_case_and_dress(word: str, shape: str) -> None:
    for said in (word, word.upper(), word.title()):
        reading = classify(shape.format(said))
        assert (reading.keyword, reading.certain) == (Keyword.STOP, True)


def test_our_own_footer_quoted_back_is_not_a_request() -> None:
    assert classify("> Reply STOP to unsubscribe\nok see you at 5").keyword is None
    assert classify("Msg rates apply. Reply STOP to opt out. ok what does this mean").keyword is None


def test_a_bare_yes_never_opts_in() -> None:
    for text in ("yes", "YES", "Yes!", "sí", "Y", "ok", "continue"):
        assert classify(text).keyword is None


def test_matched_names_the_words_that_decided() -> None:
    assert classify("Hola. Please, STOP texting me!!").matched == "stop texting me"


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    reading = classify(text)
    assert reading.certain <= (reading.keyword is not None)
    assert (reading.matched == "") == (reading.keyword is None)


@settings(deadline=None)
@given(
    st.sampled_from([text for text, is_ in rows() if is_ == "stop"]),
    st.sampled_from(["", " ", "!", "...", " 🙏"]),
)
def test_a_clear_stop_survives_case_and_punctuation(text: str, tail: str) -> None:
    assert label(classify(text.upper() + tail)) == "stop"
    assert label(classify(f"  {text.lower()}{tail}")) == "stop"


@pytest.mark.parametrize(
    "part", ["stop ", "no me ", "s ", "stop sending me all any these ", "im were we are ", "(", ","]
)
def test_a_hostile_text_takes_no_time(part: str) -> None:
    started = time.perf_counter()
    classify(part * 5000)
    assert time.perf_counter() - started < 1


def test_plain_is_what_the_tables_are_written_for() -> None:
    assert plain("¡No me ESCRIBAN más, por favor!") == "no me escriban mas , please"
    assert plain("Don’t  txt me — ever") == "dont text me | ever"


@pytest.mark.parametrize("pattern", [*SURE, *MAYBE, *START])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_phrase_is_overlooked_for_speed(pattern: str, data: st.DataObject) -> None:
    """A phrase without a sign would never be read, and somebody's wish not be honoured."""
    phrase = data.draw(st.from_regex(_regex(pattern), alphabet=PLAIN))
    assert might_ask(phrase)
