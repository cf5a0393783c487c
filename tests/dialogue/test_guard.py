"""Only what something supports leaves."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dialogue.guard import complaints, guard
from domain.turn import Passage, Reply
from tests.dialogue.library import CASES, NONE, load, profile, turn

NOW = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("America/Chicago"))


@pytest.mark.parametrize("case", load(CASES / "guard.yaml"), ids=lambda case: str(case["name"]))
def test_guards(case: dict[str, Any]) -> None:
    asked = turn(profile("clinic"), case.get("said", "hello"), NOW, context=case.get("context"))
    passages = (Passage(NONE, "Prices", "", case["knows"], 1.0),) if "knows" in case else ()
    reply = Reply(case["reply"], "knowledge")
    said = replace(asked, passages=passages, reply=reply)
    assert len(complaints(reply, said)) == case["faults"], complaints(reply, said)
    guarded = guard(said).reply
    assert guarded is not None
    assert guarded.grounded is (case["faults"] == 0)
