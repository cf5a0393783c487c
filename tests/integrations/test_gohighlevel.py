"""GoHighLevel's wire against its simulator: what is sent and read, what a trouble is called, how fast, and which webhooks
are believed."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import BadSignature
from integrations import gohighlevel_answers, gohighlevel_hooks
from integrations.gohighlevel import GoHighLevel
from integrations.gohighlevel_answers import CrmFailed, Fault
from integrations.gohighlevel_hooks import verify
from integrations.pace import Pace
from runtime.http import open_client
from simulators.gohighlevel import Config, Running, Simulation, serve

HOOKS = json.loads((Path(__file__).parent / "cases" / "gohighlevel.json").read_text())
PHONE = "+15125550100"
Json = dict[str, Any]


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with serve() as found:
        yield found


@pytest.fixture
async def crm(running: Running) -> AsyncIterator[GoHighLevel]:
    async with open_client() as http:
        yield opened(http, running)


def opened(
    http: Any, running: Running, token: str = "", location: str = "", pace: Pace | None = None
) -> GoHighLevel:
    config = running.state.config
    return GoHighLevel(http, running.url, location or config.location, token or config.token, pace or Pace())


async def fault(awaited: Awaitable[Any]) -> Fault:
    with pytest.raises(CrmFailed) as failed:
        await awaited
    return failed.value.fault


async def test_a_contact_from_first_to_last(crm: GoHighLevel, running: Running) -> None:
    assert await crm.find(PHONE, None) is None
    made = await crm.upsert({"phone": PHONE, "name": "Ann Lee", "custom.budget": 500, "custom.nowhere": 1})
    assert (made.fields["phone"], made.fields["name"], made.fields["custom.budget"]) == (
        PHONE,
        "Ann Lee",
        500,
    )
    assert "custom.nowhere" not in made.fields
    again = await crm.upsert({"phone": PHONE, "email": "Ann@Example.com"})
    assert (again.id, again.fields["email"]) == (made.id, "ann@example.com")
    await crm.add_tags(made.id, ["VIP"])
    await crm.add_tags(made.id, ["vip"])
    found = await crm.get(made.id)
    assert (found.tags, found.stopped) == (("vip",), False)
    await crm.remove_tags(made.id, ["vip"])
    changed = await crm.update(made.id, {"custom.budget": None}, stop=True)
    assert (changed.tags, changed.stopped, changed.fields.get("custom.budget")) == ((), True, None)
    assert not (await crm.update(made.id, {}, stop=False)).stopped
    assert (await crm.find(None, "ann@example.com")) is not None
    await crm.delete(made.id)
    await crm.delete(made.id)  # what is there no longer is deleted
    assert await fault(crm.get(made.id)) is Fault.MISSING
    assert await fault(crm.update(made.id, {"name": "Bo"})) is Fault.MISSING


async def test_notes(crm: GoHighLevel) -> None:
    made = await crm.upsert({"phone": PHONE})
    words = "Closed 😀\n" + "x" * 4000
    note = await crm.add_note(made.id, words)
    await crm.put_note(made.id, note, "other words")
    assert await crm.notes(made.id) == [(note, "other words")]
    assert await fault(crm.put_note(made.id, "none", "a")) is Fault.MISSING
    assert await fault(crm.add_note(made.id, "")) is Fault.BAD


async def test_who_changed_since_page_after_page(crm: GoHighLevel, running: Running) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    for n in range(230):
        running.state.person_adds(phone=f"+1512555{n:04d}")
    old = running.state.person_adds(phone=PHONE)
    old.updated_at = since - timedelta(days=1)
    found = await crm.changed(since)
    assert len({one.id for one in found}) == len(found) == 230
    assert [one.updated_at for one in found] == sorted(one.updated_at for one in found)


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ({"kind": "status", "status": 401}, Fault.REVOKED),
        ({"kind": "status", "status": 403}, Fault.FORBIDDEN),
        ({"kind": "status", "status": 404}, Fault.MISSING),
        ({"kind": "status", "status": 422}, Fault.BAD),
        ({"kind": "status", "status": 429, "retry_after": 7}, Fault.BUSY),
        ({"kind": "status", "status": 500}, Fault.AWAY),
        ({"kind": "status", "status": 503}, Fault.AWAY),
        ({"kind": "html_error"}, Fault.AWAY),
        ({"kind": "drop_before"}, Fault.AWAY),
        ({"kind": "drop_after"}, Fault.AWAY),
        ({"kind": "bad_json"}, Fault.AWAY),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
async def test_every_trouble_has_its_name(
    crm: GoHighLevel, running: Running, trouble: Json, says: Fault
) -> None:
    running.state.chaos.load([trouble])
    assert await fault(crm.test()) is says


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7.0), ("0", 0.0), ("soon", 0.0), ("99999", 3600.0), ("-1", 0.0)]
)
async def test_how_long_it_wants_to_be_left_alone(
    crm: GoHighLevel, running: Running, said: str, seconds: float
) -> None:
    assert gohighlevel_answers._seconds(said) == seconds


async def test_another_token_and_another_location(running: Running) -> None:
    async with open_client() as http:
        assert await fault(opened(http, running, token="pit-wrong").test()) is Fault.REVOKED
        assert await fault(opened(http, running, location="another").test()) is Fault.FORBIDDEN


async def test_nobody_there_is_away() -> None:
    async with open_client() as http:
        assert await fault(GoHighLevel(http, "http://127.0.0.1:1", "a", "b", Pace()).test()) is Fault.AWAY


async def test_its_words_are_kept_and_a_customer_s_are_not(crm: GoHighLevel, running: Running) -> None:
    with pytest.raises(CrmFailed) as failed:
        await crm.upsert({"name": "Ann"})
    assert failed.value.detail == "422 phone or email must be given"
    for message in (
        "phone +15125550100 is not valid",
        'value "Ann Lee" must be a number',
        "ann@example.com is taken",
    ):
        reply = _Reply({"message": message})
        assert gohighlevel_answers._said(reply) == ""  # type: ignore[arg-type]


class _Reply:
    def __init__(self, said: Json) -> None:
        self._said = said

    def json(self) -> Json:
        return self._said


# --- how fast ---


async def test_it_is_never_asked_too_often() -> None:
    """Sixty calls at once where twenty in a third of a second are allowed: none is too many, and none is lost."""
    async with serve(config=Config(most=20, span_s=0.3)) as running, open_client() as http:
        crm = opened(http, running)
        await crm.test()  # its headers say how fast
        await asyncio.sleep(0.35)
        begun = time.monotonic()
        await asyncio.gather(*(crm.test() for _ in range(60)))
        took = time.monotonic() - begun
        assert (running.state.refused, len(running.state.asked)) == (0, 61)
        assert 0.6 <= took < 5


async def test_what_others_have_used_is_seen() -> None:
    pace = Pace(most=100, span_s=0.2)
    pace.heard({"x-ratelimit-remaining": "2", "x-ratelimit-daily-remaining": "17"})
    begun = time.monotonic()
    async with pace.call():
        pass
    assert time.monotonic() - begun >= 0.09
    assert pace.daily_left == 17
    for nonsense in ("", "-1", "1.5", "many", "٣"):
        pace.heard({"x-ratelimit-max": nonsense, "x-ratelimit-daily-remaining": nonsense})
    assert pace.daily_left == 17


async def test_a_day_that_is_used_up_has_a_name_of_its_own(crm: GoHighLevel, running: Running) -> None:
    running.state.daily_left = 1
    await crm.test()
    assert await fault(crm.test()) is Fault.SPENT


# --- webhooks ---


@pytest.mark.parametrize("case", HOOKS, ids=lambda case: str(case["name"]))
def test_what_a_webhook_says(case: Json) -> None:
    signer = Simulation(Config())
    raw = case["raw"].encode() if "raw" in case else json.dumps(case["body"]).encode()
    found = verify(gohighlevel_hooks.public_keys(signer.public_key), signer.sign(raw), raw)
    said = None if found is None else [found.kind, found.location, found.contact]
    assert said == case["says"]
    if found is not None:
        assert found.id == case["id"]


def test_only_what_they_sign_is_believed() -> None:
    signer, other = Simulation(Config()), Simulation(Config())
    raw = json.dumps(HOOKS[0]["body"]).encode()
    keys = gohighlevel_hooks.public_keys(signer.public_key)
    for signature, body in (
        ("", raw), ("N/A", raw), ("%%%", raw), (other.sign(raw), raw), (signer.sign(raw), raw + b" "),
        (signer.sign(raw)[:-4], raw), (signer.sign(b""), raw),
    ):  # fmt: skip
        with pytest.raises(BadSignature):
            verify(keys, signature, body)
    both = gohighlevel_hooks.public_keys(f"{other.public_key},{signer.public_key}")  # while they change it
    assert verify(both, signer.sign(raw), raw) is not None


@pytest.mark.parametrize("said", ["", "nonsense", "AAAA", "MCowBQYDK2VwAyEA"])
def test_a_key_that_is_none(said: str) -> None:
    if not said:
        assert gohighlevel_hooks.public_keys(said) == ()
        return
    with pytest.raises(ValueError, match="key"):
        gohighlevel_hooks.public_keys(said)
