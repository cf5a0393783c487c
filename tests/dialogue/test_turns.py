"""Whole turns: a message in; decision, words, effects and reasons out."""

import os
from dataclasses import replace
from datetime import datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from dialogue.turns import answer
from domain.disclosure import disclosed, discloses, disclosure
from domain.turn import Action, Decision, HandOff, ProposeDraft, Say, SetField, Turn
from tests.dialogue.library import CASES, UNDERSTANDER, load, profile, shelf, turn

TABLE = load(CASES / "turns.yaml")
GOLDEN = CASES / "turns.golden.yaml"
REWRITE = os.environ.get("GOLDEN") == "rewrite"  # noqa: TID251
MONDAY = "2026-11-23T09:00:00"


def prepared(case: dict[str, Any]) -> Turn:
    who = profile(case["demo"])
    now = datetime.fromisoformat(case.get("now", MONDAY)).replace(tzinfo=ZoneInfo(who.workspace.timezone))
    before = turn(
        who,
        case.get("burst") or case["text"],
        now,
        history=case.get("history", ()),
        context=case.get("context"),
        disclosed=case.get("disclosed", True),
    )
    return replace(
        before, burst=tuple(replace(line, media=tuple(case.get("media", ()))) for line in before.burst)
    )


def shown(after: Turn) -> dict[str, Any]:
    assert after.decision is not None
    return {
        "decision": f"{after.decision.action}: {after.decision.reason}",
        "effects": [_effect(effect) for effect in after.effects],
        "notes": list(after.notes),
    }


def _effect(effect: Any) -> str:
    if isinstance(effect, SetField):
        return f"SetField {effect.name} = {effect.value} ({effect.confidence}, line {effect.evidence_seq})"
    values = [str(getattr(effect, name)) for name in effect.__dataclass_fields__]
    return f"{type(effect).__name__} {' | '.join(values)}"


@pytest.mark.parametrize("case", TABLE, ids=lambda case: str(case["name"]))
async def test_turn(case: dict[str, Any], golden: dict[str, Any]) -> None:
    after = await answer(prepared(case), UNDERSTANDER, shelf(case["demo"]))
    if REWRITE:
        golden[case["name"]] = shown(after)
    assert shown(after) == golden.get(case["name"])


@pytest.fixture(scope="module")
def golden() -> Any:
    kept: dict[str, Any] = load(GOLDEN) if GOLDEN.exists() and not REWRITE else {}
    yield kept
    if REWRITE:
        out, yaml = StringIO(), YAML(pure=True)
        yaml.width, yaml.allow_unicode = 110, True
        yaml.dump(kept, out)
        GOLDEN.write_text(out.getvalue(), encoding="utf-8")


def test_golden_holds_no_turn_that_is_gone() -> None:
    assert REWRITE or set(load(GOLDEN)) == {case["name"] for case in TABLE}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    demo=st.sampled_from(["clinic", "realty", "advisor"]),
    texts=st.lists(
        st.one_of(
            st.text(max_size=300),
            st.sampled_from([case["text"] for case in TABLE if case.get("text")]),
            st.text(alphabet="¿?!.,$0123456789 :apmTkx/\n-+%", max_size=80),
        ),
        min_size=1,
        max_size=4,
    ),
    known=st.booleans(),
)
async def test_any_text_is_survived_and_only_a_decision_to_send_says_anything(
    demo: str, texts: list[str], known: bool
) -> None:
    who = profile(demo)
    now = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo(who.workspace.timezone))
    after = await answer(turn(who, texts, now, disclosed=known), UNDERSTANDER, shelf(demo))
    consistent(after)


@pytest.mark.parametrize(
    "text", ["x" * 10_000, "hi " * 3_400, "?" * 10_000, "1" * 10_000, "a.b\n" * 2_500, "é😀" * 5_000]
)
async def test_ten_thousand_characters(text: str) -> None:
    now = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("America/Chicago"))
    consistent(await answer(turn(profile("clinic"), text, now), UNDERSTANDER, shelf("clinic")))


def consistent(after: Turn) -> None:
    """What every turn must be, whatever was written."""
    assert isinstance(after.decision, Decision)
    assert after.notes
    said = [effect for effect in after.effects if isinstance(effect, Say)]
    assert bool(said) == (after.decision.action is Action.SEND)
    assert len([e for e in after.effects if isinstance(e, ProposeDraft)]) == (
        after.decision.action is Action.DRAFT
    )
    assert len([e for e in after.effects if isinstance(e, HandOff)]) == (
        after.decision.action is Action.HANDOFF
    )
    if said:
        assert said[0].text.strip()
        assert after.conversation.disclosed or discloses(said[0].text, after.profile)


@pytest.mark.parametrize(
    "case", [case for case in TABLE if case.get("text")], ids=lambda case: str(case["name"])
)
async def test_nothing_claims_that_an_appointment_is_booked(case: dict[str, Any]) -> None:
    after = await answer(prepared(case), UNDERSTANDER, shelf(case["demo"]))
    text = after.reply.text.lower() if after.reply else ""
    assert not any(
        claim in text for claim in ("you're booked", "is booked for", "is confirmed", "queda reservad")
    )
    assert "booked" not in text or "nothing is booked yet" in text


def test_the_disclosure_is_said_once_and_in_either_language() -> None:
    clinic = profile("clinic")
    line = disclosure(clinic, "es")
    assert "automático" in line
    assert "STOP" in line
    assert disclosed(f"Hola.\n{line}", clinic, "en") == f"Hola.\n{line}"
    assert disclosed("", clinic, "en") == disclosure(clinic, "en")
