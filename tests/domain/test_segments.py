"""Counting and cutting text messages, by example and for whatever text."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.segments import GSM_COST, Segments, count, split, to_gsm

FAMILY, THUMB, SCOTLAND, GERMANY = "👨‍👩‍👧‍👦", "👍🏽", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇩🇪"
GRAPHEMES = [
    "a",
    "ß",
    "{",
    "€",
    "é",
    "e\u0301",
    "你",
    "👍",
    FAMILY,
    THUMB,
    SCOTLAND,
    GERMANY,
    "क्षि",
    "한",
    "한",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
PROSE = st.lists(
    st.sampled_from(
        ["word", "Satz.", "ok!", "\n", "\n\n", " ", "  ", "’", "😀", "{x}", "https://a.test/b?c=d#e"]
    ),
    max_size=200,
).map(" ".join)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 0),
        ("a", "GSM-7", 1, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", "GSM-7", 44, 1),
        ("^{}\\[~]|€\f", "GSM-7", 20, 1),
        ("{" * 80, "GSM-7", 160, 1),
        ("{" * 81, "GSM-7", 162, 2),
        ("{" * 152, "GSM-7", 304, 2),  # 76 a segment: the 153rd septet cannot hold half a pair
        ("{" * 153, "GSM-7", 306, 3),
        ("a" * 152 + "{" + "a" * 151, "GSM-7", 305, 2),
        ("a" * 152 + "{" + "a" * 152, "GSM-7", 306, 3),
        ("ç", "UCS-2", 1, 1),  # the alphabet has Ç only
        ("`", "UCS-2", 1, 1),
        ("’" + "a" * 69, "UCS-2", 70, 1),
        ("’" + "a" * 70, "UCS-2", 71, 2),
        ("’" + "a" * 133, "UCS-2", 134, 2),
        ("’" + "a" * 134, "UCS-2", 135, 3),
        ("👍", "UCS-2", 2, 1),
        ("👍" * 35, "UCS-2", 70, 1),
        ("👍" * 36, "UCS-2", 72, 2),
        ("👍" * 66, "UCS-2", 132, 2),  # 33 a segment: the 67th unit cannot hold half a pair
        ("👍" * 67, "UCS-2", 134, 3),
        (FAMILY, "UCS-2", 11, 1),
    ],
)
def test_count(text: str, encoding: str, units: int, segments: int) -> None:
    said = count(text)
    assert (said.encoding, said.units, said.segments) == (encoding, units, segments)


def test_the_alphabet_is_whole() -> None:
    assert sorted(GSM_COST.values()) == [1] * 127 + [2] * 10  # 128 with the escape itself


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("It’s “fine” – really…", 'It\'s "fine" - really...'),
        ("plain", "plain"),
        ("caf\u00e9\u00a0€5", "caf\u00e9 €5"),
        ("It’s fine 👍", "It’s fine 👍"),  # UCS-2 all the same: left alone
        ("Ça va – ça", "Ça va – ça"),
        ("", ""),
    ],
)
def test_to_gsm(text: str, plain: str) -> None:
    assert to_gsm(text) == plain


@given(TEXTS)
def test_plain_twins_are_used_only_where_they_help(text: str) -> None:
    plain = to_gsm(text)
    assert plain == text or count(plain).encoding == "GSM-7"
    assert to_gsm(plain) == plain


# --- splitting ---


def test_short_texts_stay_whole() -> None:
    assert split("Hello.", 1) == ["Hello."]
    assert split("", 1) == split(" \n ", 1) == []
    assert split("  Hello. \n", 1) == ["Hello."]


def test_cut_after_a_sentence_when_that_leaves_the_part_half_full() -> None:
    first, second = "One " * 30 + "end.", "Two " * 15 + "end."
    assert split(f"{first} {second}", 1) == [first, second]
    quoted = "One " * 30 + "end.”)"
    assert split(f"{quoted} {second}", 2) == [quoted, second]


def test_else_between_words() -> None:
    words = " ".join(["word"] * 60)
    assert [len(part) for part in split(words, 1)] == [159, 139]
    assert split("Hi. " + "x" * 150 + " " + "y" * 50, 1) == ["Hi. " + "x" * 150, "y" * 50]


def test_a_word_may_end_with_the_part() -> None:
    assert split("a" * 160 + " b", 1) == ["a" * 160, "b"]


def test_else_between_graphemes() -> None:
    assert split("a" * 400, 1) == ["a" * 160, "a" * 160, "a" * 80]
    assert split(FAMILY * 12, 1) == [FAMILY * 6, FAMILY * 6]
    assert split(GERMANY * 30, 1) == [GERMANY * 17, GERMANY * 13]
    assert split("e\u0301" * 50, 1) == ["e\u0301" * 35, "e\u0301" * 15]


def test_signs_that_belong_to_what_is_before() -> None:
    assert all(not part.startswith("\u0301") for part in split("ab \u0301" * 60, 1))
    assert all(part.startswith("क") for part in split("क्षि" * 40, 1))


def test_a_grapheme_larger_than_a_part_is_cut_somewhere() -> None:
    zalgo = "e" + "\u0301" * 200
    assert "".join(split(zalgo, 1)) == zalgo


def test_an_address_stays_whole_where_it_fits() -> None:
    url = "https://desk.test/p/acme?code=" + "x" * 100
    assert split("Here is what you asked for, as promised: " + url, 1)[-1] == url
    assert split("请看" + "们" * 50 + "https://desk.test/abcdefghijkl谢谢", 1) == [
        "请看" + "们" * 50,
        "https://desk.test/abcdefghijkl谢谢",
    ]
    endless = "https://desk.test/" + "x" * 400
    assert "".join(split(endless, 1)) == endless
    assert len(split("请看" + endless, 1)[0]) == 70


def test_chinese_sentences_need_no_space() -> None:
    assert split("好" * 39 + "。" + "好" * 39 + "。", 1) == ["好" * 39 + "。"] * 2


@given(st.one_of(TEXTS, PROSE), st.integers(1, 4))
@example("a \u0301" * 90, 1)
@example("\u200d" * 200, 1)
@example("\r\n" * 100 + "a" * 200, 1)
def test_parts_fit_and_lose_nothing(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(part and part == part.strip() for part in parts)
    assert all(count(part).segments <= limit for part in parts)
    assert re.sub(r"\s", "", "".join(parts)) == re.sub(r"\s", "", text)
    assert parts == split(text, limit)


@given(st.lists(st.sampled_from(GRAPHEMES), max_size=300), st.integers(1, 2))
def test_no_grapheme_is_cut(graphemes: list[str], limit: int) -> None:
    text, borders, at = "".join(graphemes), {0}, 0
    for grapheme in graphemes:
        at += len(grapheme)
        borders.add(at)
    at = 0
    for part in split(text, limit):
        at += len(part)
        assert at in borders


@given(PROSE, st.integers(1, 3))
def test_words_and_addresses_are_never_cut_where_they_fit(text: str, limit: int) -> None:
    assert [word for part in split(text, limit) for word in part.split()] == text.split()


@given(TEXTS, st.integers(2, 60))
def test_no_part_is_longer_than_the_provider_takes(text: str, characters: int) -> None:
    parts = split(text, 10, characters)
    assert all(len(part.encode("utf-16-le")) // 2 <= characters for part in parts)


@given(TEXTS, TEXTS)
def test_more_text_never_costs_less(text: str, more: str) -> None:
    assert count(text).segments <= count(text + more).segments


@given(st.one_of(TEXTS, st.text("a{€ß", max_size=400), st.text("a👍’", max_size=200)))
def test_count_is_what_filling_one_message_after_another_gives(text: str) -> None:
    said, single, multi = count(text), 160, 153
    costs = [GSM_COST.get(character, 0) for character in text]
    if not all(costs):
        costs, single, multi = [len(character.encode("utf-16-le")) // 2 for character in text], 70, 67
    messages = [0] if costs else []
    for cost in costs:
        if messages[-1] + cost > multi:
            messages.append(0)
        messages[-1] += cost
    filled = len(messages) if sum(costs) > single else min(sum(costs), 1)
    assert said == Segments("GSM-7" if single == 160 else "UCS-2", sum(costs), filled)
