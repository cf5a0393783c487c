"""The gate's table of cases, and what holds whatever the facts are."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.gate import (
    Allow,
    Consent,
    Defer,
    DeferReason,
    Facts,
    Limits,
    NeedsTemplate,
    Purpose,
    Recent,
    Refuse,
    RefuseReason,
    Verdict,
    can_send,
)

TABLE = json.loads((Path(__file__).parent / "cases" / "gate.json").read_text(encoding="utf-8"))
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
TIMES = ("opted_out_at", "last_inbound_at", "window_expires_at")


def facts_of(case: dict[str, Any], now: datetime) -> Facts:
    raw = {**TABLE["base"], **case.get("facts", {})}
    values = {name: _value(name, value, now) for name, value in raw.items()}
    return Facts(**values)


def _value(name: str, value: Any, now: datetime) -> Any:
    kinds: dict[str, Any] = {"purpose": Purpose, "consent": Consent, "zones": tuple}
    if name in TIMES and value is not None:
        return now + timedelta(**{UNITS[value[-1]]: int(value[:-1])})
    if name in ("recent", "limits"):
        return {"recent": Recent, "limits": Limits}[name](**value)
    return kinds[name](value) if name in kinds else value


def told(verdict: Verdict) -> str:
    match verdict:
        case Allow():
            return "allow"
        case NeedsTemplate():
            return "needs_template"
        case Refuse(reason):
            return str(reason)
        case Defer(until, DeferReason.QUIET_HOURS):
            return f"defer {until.isoformat()}"
    raise AssertionError(verdict)


def _same_zone(verdict: str) -> str:
    head, _, at = verdict.partition(" ")
    return f"{head} {datetime.fromisoformat(at).astimezone(UTC).isoformat()}" if at else head


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"])
def test_table(case: dict[str, Any]) -> None:
    now = datetime.fromisoformat(TABLE[case.get("at", "noon")])
    assert told(can_send(facts_of(case, now), now)) == _same_zone(case["is"])


def test_every_reason_has_a_case_and_a_stable_code() -> None:
    seen = {case["is"].split()[0] for case in TABLE["cases"]}
    assert {str(reason) for reason in RefuseReason} - seen == {"suppressed"}
    assert all(reason.value == reason.name.lower() for reason in RefuseReason)


NOW = st.datetimes(datetime(2025, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.lists(
    st.sampled_from([*sorted(available_timezones()), "Etc/Unknown", "", "../x"]), max_size=4
).map(tuple)
REGION = st.sampled_from([None, "US-TX", "US-FL", "US-AL", "US-RI", "US-CT", "US", "MX", "nowhere"])


@st.composite
def situations(draw: st.DrawFn) -> tuple[Facts, datetime]:
    now = draw(NOW)
    when = st.none() | st.timedeltas(timedelta(days=-3), timedelta(days=3)).map(lambda delta: now + delta)
    flag = st.booleans()
    return Facts(
        purpose=draw(st.sampled_from(Purpose)),
        author_is_ai=draw(flag),
        consent=draw(st.sampled_from(Consent)),
        opted_out_at=draw(when),
        last_inbound_at=draw(when),
        disclosed=draw(flag),
        zones=draw(ZONES),
        region=draw(REGION),
        workspace_active=draw(flag),
        channel_active=draw(flag),
        owner_is_human=draw(flag),
        needs_approval=draw(flag),
        approved=draw(flag),
        window_expires_at=draw(when),
        recent=Recent(draw(st.integers(0, 20)), draw(st.integers(0, 5))),
        sent_today=draw(st.integers(0, 10)),
        limits=Limits(per_day=draw(st.none() | st.integers(0, 10))),
        confirmation_sent=draw(flag),
    ), now


@st.composite
def willing(draw: st.DrawFn) -> tuple[Facts, datetime]:
    """Nothing but the hour and the window can stand in the way."""
    facts, now = draw(situations())
    clear = replace(
        facts, opted_out_at=None, consent=Consent.IN, disclosed=True, workspace_active=True, channel_active=True,
        owner_is_human=False, approved=True, limits=Limits(), window_expires_at=None,
    )  # fmt: skip
    return clear, now


@settings(deadline=None)
@given(situations())
def test_opted_out_hears_nothing_but_the_confirmation(situation: tuple[Facts, datetime]) -> None:
    facts, now = situation
    for out in (replace(facts, consent=Consent.OUT), replace(facts, opted_out_at=now - timedelta(days=1))):
        verdict = can_send(out, now)
        if out.purpose is not Purpose.CONFIRMATION or out.confirmation_sent:
            assert verdict == Refuse(RefuseReason.OPTED_OUT)


@settings(deadline=None)
@given(situations())
def test_what_needs_approval_never_leaves_without_it(situation: tuple[Facts, datetime]) -> None:
    facts, now = situation
    draft = replace(facts, needs_approval=True, approved=False)
    assert isinstance(can_send(draft, now), Refuse)


@settings(deadline=None)
@given(situations())
def test_a_person_is_never_silenced_as_a_machine(situation: tuple[Facts, datetime]) -> None:
    facts, now = situation
    person = replace(facts, purpose=Purpose.HUMAN, author_is_ai=False)
    verdict = can_send(person, now)
    machine = (RefuseReason.HUMAN_OWNS, RefuseReason.UNDISCLOSED, RefuseReason.LOOP)
    assert not (isinstance(verdict, Refuse) and verdict.reason in machine)
    assert not isinstance(verdict, Defer)


@settings(deadline=None)
@given(willing())
def test_deferred_is_later_and_is_allowed_then(situation: tuple[Facts, datetime]) -> None:
    facts, now = situation
    verdict = can_send(facts, now)
    if isinstance(verdict, Defer):
        assert verdict.until > now
        assert can_send(facts, verdict.until) == Allow()
    else:
        assert verdict == Allow() or verdict == Refuse(RefuseReason.NO_LAWFUL_HOUR)


@settings(deadline=None)
@given(situations())
def test_only_the_unasked_waits_for_an_hour(situation: tuple[Facts, datetime]) -> None:
    facts, now = situation
    if isinstance(can_send(facts, now), Defer):
        assert facts.purpose in (Purpose.NOTICE, Purpose.MARKETING, Purpose.REPLY)
        assert facts.zones


@settings(deadline=None)
@given(situations())
def test_taking_consent_away_allows_nothing_new(situation: tuple[Facts, datetime]) -> None:
    facts, now = situation
    less = [Consent.IN, Consent.NONE, Consent.OUT]
    verdicts = [can_send(replace(facts, consent=consent), now) for consent in less]
    refused = [isinstance(verdict, Refuse) for verdict in verdicts]
    assert refused == sorted(refused)
    allowed = [isinstance(verdict, Allow) for verdict in verdicts]
    assert allowed == sorted(allowed, reverse=True)


@settings(deadline=None)
@given(situations())
def test_an_expired_window_never_lets_words_through(situation: tuple[Facts, datetime]) -> None:
    facts, now = situation
    assert not isinstance(can_send(replace(facts, window_expires_at=now), now), Allow | Defer)


@settings(deadline=None)
@given(situations())
def test_asking_twice_answers_the_same(situation: tuple[Facts, datetime]) -> None:
    facts, now = situation
    assert can_send(facts, now) == can_send(facts, now)
