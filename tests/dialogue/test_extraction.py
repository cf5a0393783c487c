"""What a message gives a schema that nobody has seen before; and what must hold for every message and schema."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialogue.extract import Found, Heard, extract
from dialogue.extract.sample import sample
from domain.entities import find_entities
from domain.fields import Complaint, Field_, FieldType, Here, accept
from domain.workspace import Schema
from tests.dialogue.library import CASES, load, profile

MONDAY = datetime(2026, 11, 23, 9)  # noqa: DTZ001  in the zone of each business
FILES = sorted((CASES / "extraction").glob("*.yaml"))


def groups() -> Iterator[tuple[str, tuple[Field_, ...], str, list[dict[str, Any]]]]:
    for file in FILES:
        for group in (found.get("groups") or [found]) if (found := load(file)) else ():
            demo = profile(group["demo"]) if "demo" in group else None
            zone = demo.workspace.timezone if demo else "America/Chicago"
            fields = demo.fields if demo else tuple(Field_(**one, extract=True) for one in group["fields"])
            yield file.stem, fields, zone, group["cases"]


ROWS = [(name, fields, zone, case) for name, fields, zone, cases in groups() for case in cases]


def taken(fields: tuple[Field_, ...], zone: str, case: dict[str, Any]) -> list[Found]:
    now = MONDAY.replace(tzinfo=ZoneInfo(zone))
    text = case["text"]
    return extract(
        Heard(
            text,
            fields,
            Here(now),
            find_entities(text, now),
            frozenset(case.get("asked", ())),
            case.get("us", ""),
            case.get("known", {}),
        )
    )


@pytest.mark.parametrize(
    ("name", "fields", "zone", "case"), ROWS, ids=[f"{r[0]}: {r[3]['text'][:60]}" for r in ROWS]
)
def test_gives(name: str, fields: tuple[Field_, ...], zone: str, case: dict[str, Any]) -> None:
    found = {one.name: one for one in taken(fields, zone, case)}
    wanted = case["gives"]
    got = {
        name: [one.value, one.words]
        if isinstance(wanted.get(name), list) and len(wanted[name]) == 2 and wanted[name][1] == one.words
        else one.value
        for name, one in found.items()
    }
    assert got == wanted


SCHEMAS = [fields for _, fields, _, _ in groups()] + [
    tuple(
        Field_(name=kind.value, type=kind, options=("red", "blue") if "choice" in kind else ())
        for kind in FieldType
    )
]
TEXTS = [case["text"] for *_, case in ROWS]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    fields=st.sampled_from(SCHEMAS),
    text=st.one_of(
        st.text(max_size=200),
        st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3).map(" ".join),
        st.text(alphabet="Aa Bb.,!?'’-0123456789$%:/\n#@ñ¿🙂", max_size=120),
    ),
    last=st.sampled_from(["", *TEXTS]),
    data=st.data(),
)
def test_whatever_is_written(fields: tuple[Field_, ...], text: str, last: str, data: st.DataObject) -> None:
    """Never an error; one value a field; its words stand in the message; the value is one the field accepts."""
    now = MONDAY.replace(tzinfo=ZoneInfo("America/Chicago"))
    asked = data.draw(st.frozensets(st.sampled_from([f.name for f in fields]), max_size=3))
    found = extract(Heard(text, fields, Here(now), find_entities(text, now), asked, last))
    by_name = {f.name: f for f in fields}
    assert len({one.name for one in found}) == len(found)
    for one in found:
        assert text[one.start : one.end] == one.words
        assert one.words.strip()
        assert 0 < one.confidence <= 1
        read = accept(one.value, by_name[one.name], Here(now))
        assert not isinstance(read, Complaint), (one, read)
        assert read == one.value


@pytest.mark.parametrize(
    "text",
    [
        "to " * 3_000,
        "a, " * 3_000,
        "Aa " * 3_000,
        "yes please " * 900,
        "1 " * 5_000,
        "no not " * 1_400,
        "x" * 10_000,
    ],
)
def test_ten_thousand_characters_do_not_take_long(text: str) -> None:
    import time

    now = MONDAY.replace(tzinfo=ZoneInfo("America/Chicago"))
    entities = find_entities(text, now)
    for fields in SCHEMAS:
        began = time.process_time()
        extract(
            Heard(
                text, fields, Here(now), entities, frozenset({fields[0].name, fields[-1].name}), "Aa " * 500
            )
        )
        assert time.process_time() - began < 1.0


def test_a_sample_shows_values_words_and_how_sure() -> None:
    schema = Schema.model_validate(
        {
            "name": "hire",
            "fields": [
                {"name": "boat", "type": "choice", "options": ["pontoon", "kayak"], "extract": True},
                {"name": "when", "type": "date", "extract": True},
                {"name": "notes", "type": "text"},
            ],
        }
    )
    found = sample(schema, "A kayak on tuesday", MONDAY.replace(tzinfo=ZoneInfo("America/Chicago")))
    assert [(one.name, one.value, one.shown, one.words, one.start) for one in found] == [
        ("boat", "kayak", "kayak", "kayak", 2),
        ("when", "2026-11-24", "Tuesday, Nov 24", "tuesday", 11),
    ]
    assert all(0.9 < one.confidence < 1 for one in found)
