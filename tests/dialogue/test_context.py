"""What a message puts into the schema."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dialogue.asking import summary
from dialogue.context import fill_context
from dialogue.turns import understand
from domain.turn import NameContact, SetField
from tests.dialogue.library import CASES, UNDERSTANDER, load, profile, turn

TABLE = load(CASES / "context.yaml")


@pytest.mark.parametrize("case", TABLE, ids=lambda case: str(case["name"]))
def test_fills(case: dict[str, Any]) -> None:
    who = profile(case["demo"])
    now = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo(who.workspace.timezone))
    history = [{"us": case["us"]}] if "us" in case else []
    before = turn(who, case.get("burst") or case["text"], now, history=history, context=case.get("context"))
    after = fill_context(understand(before, UNDERSTANDER))
    effects = {effect.name: effect for effect in after.effects if isinstance(effect, SetField)}
    assert {name: _as_written(case["sets"].get(name), effect) for name, effect in effects.items()} == case[
        "sets"
    ]
    for name, confidence in case.get("confidence", {}).items():
        assert effects[name].confidence == confidence
    names = [effect.name for effect in after.effects if isinstance(effect, NameContact)]
    assert names == ([case["contact"]] if "contact" in case else [])


def _as_written(wanted: Any, effect: SetField) -> Any:
    detailed = isinstance(wanted, list) and len(wanted) == 3 and isinstance(wanted[2], int)
    return [effect.value, effect.words, effect.evidence_seq] if detailed else effect.value


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_bare_number_is_read_back_with_what_it_counts(language: str) -> None:
    now = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("America/Chicago"))
    before = turn(profile("realty"), "hola", now, context={"bedrooms": 3, "budget": None})
    assert summary(before, language) == "bedrooms: 3"
