"""Google's own client against the simulator: every trouble by its name, every event as far as it concerns us."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from domain.calendars import event_id
from integrations import google_consent
from integrations.google_calendar import CalendarFailed, Fault, GoogleCalendar, addresses, held
from runtime.http import open_client
from simulators.google_calendar import Config, Running, serve

AT = datetime(2026, 3, 3, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
OWNER = "owner@example.com"
Json = dict[str, Any]


_opened: list[GoogleCalendar] = []


@pytest.fixture
async def google() -> AsyncIterator[Running]:
    async with serve() as running:
        yield running
        while _opened:
            await _opened.pop().close()


def open_calendar(
    google: Running, refresh: str | None = None, client: tuple[str, str] | None = None
) -> GoogleCalendar:
    config = google.state.config
    client = client or (config.client_id, config.client_secret)
    _opened.append(GoogleCalendar(addresses(google.url), client, refresh or google.state.grant(OWNER)))
    return _opened[-1]


async def insert(calendar: GoogleCalendar, name: str = "abcde", title: str = "Cleaning 😀") -> Any:
    return await calendar.insert("primary", name, title, AT, AT + HOUR, "our-id")


async def fault(awaited: Any) -> Fault:
    with pytest.raises(CalendarFailed) as failed:
        await awaited
    return failed.value.fault


async def test_written_moved_read_and_deleted(google: Running) -> None:
    calendar = open_calendar(google)
    made = await insert(calendar)
    assert (made.id, made.start, made.end, made.ours, made.busy) == ("abcde", AT, AT + HOUR, "our-id", True)
    assert await fault(insert(calendar)) is Fault.DUPLICATE
    moved = await calendar.put("primary", "abcde", AT + HOUR, AT + 2 * HOUR, None, made.etag)
    assert (moved.start, google.state.there(OWNER)[0]["summary"]) == (AT + HOUR, "Cleaning 😀")
    assert await fault(calendar.put("primary", "abcde", AT, AT + HOUR, None, made.etag)) is Fault.CHANGED
    await calendar.delete("primary", "abcde")
    await calendar.delete("primary", "abcde")
    await calendar.delete("primary", "never")
    assert (await calendar.get("primary", "abcde")).gone
    assert await fault(calendar.get("primary", "never")) is Fault.MISSING
    assert google.state.there(OWNER) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"kind": "status", "status": 403}, Fault.BUSY), ({"kind": "status", "status": 429}, Fault.BUSY),
        ({"kind": "status", "status": 500}, Fault.AWAY), ({"kind": "status", "status": 503}, Fault.AWAY),
        ({"kind": "html_error"}, Fault.AWAY), ({"kind": "bad_json"}, Fault.AWAY), ({"kind": "drop_before"}, Fault.AWAY),
        ({"kind": "drop_before", "count": 1}, None), ({"kind": "status", "status": 400}, Fault.BAD),
        ({"kind": "status", "status": 412}, Fault.CHANGED), ({"kind": "status", "status": 410}, Fault.EXPIRED),
        ({"kind": "unauthorized"}, Fault.AWAY), ({"kind": "unauthorized", "count": 1}, None),
    ],
    ids=lambda value: str(value),
)  # fmt: skip
async def test_every_trouble_has_its_name(google: Running, rule: Json, expected: Fault | None) -> None:
    calendar = open_calendar(google)
    google.state.chaos.load([rule | {"route": "events.insert"}])
    if expected is None:
        assert (await insert(calendar)).id == "abcde"
    else:
        assert await fault(insert(calendar)) is expected
    google.state.chaos.reset()
    if (await fault_or_none(insert(calendar))) is None:
        assert len(google.state.there(OWNER)) == 1


async def fault_or_none(awaited: Any) -> Fault | None:
    try:
        await awaited
    except CalendarFailed as error:
        return error.fault
    return None


async def test_their_client_sends_a_post_again_whose_answer_was_cut_off(google: Running) -> None:
    """httplib2 does, whatever `num_retries` says: with an id of our own it is one event all the same."""
    calendar = open_calendar(google)
    google.state.chaos.load([{"kind": "drop_after", "route": "events.insert", "count": 1}])
    assert await fault(insert(calendar)) is Fault.DUPLICATE
    assert [one["route"] for one in google.state.requests].count("events.insert") == 2
    assert len(google.state.there(OWNER)) == 1


async def test_consent_taken_back_and_tokens_that_end(google: Running) -> None:
    calendar = open_calendar(google)
    await insert(calendar)
    google.state.expire_access()
    assert (await calendar.get("primary", "abcde")).id == "abcde"
    google.state.expire_access()
    google.state.chaos.load([{"kind": "html_error", "route": "oauth.token", "status": 400}])
    assert await fault(calendar.get("primary", "abcde")) is Fault.AWAY
    google.state.chaos.reset()
    google.state.revoke(OWNER)
    assert await fault(calendar.get("primary", "abcde")) is Fault.REVOKED
    assert await fault(open_calendar(google, "1//unknown").get("primary", "abcde")) is Fault.REVOKED
    stranger = open_calendar(google, google.state.grant("x@example.com"), ("who", "ever"))
    with pytest.raises(CalendarFailed, match="invalid_client"):
        await stranger.get("primary", "abcde")


async def test_a_calendar_of_somebody_else(google: Running) -> None:
    calendar = open_calendar(google)
    assert (
        await fault(calendar.insert("nobody@example.com", "abcde", "x", AT, AT + HOUR, "")) is Fault.MISSING
    )
    google.state.add_account("boss@example.com").role = "reader"
    assert await fault(calendar.insert("boss@example.com", "abcde", "x", AT, AT + HOUR, "")) is Fault.REFUSED


async def test_changes_come_and_tokens_end(google: Running) -> None:
    calendar = open_calendar(google)
    window = (AT - HOUR, AT + timedelta(days=30))
    for n in range(5):
        google.state.add_event(OWNER, AT + n * HOUR, AT + (n + 1) * HOUR)
    first = await calendar.everything("primary", *window)
    assert len(first.events) == 5
    assert (await calendar.changes("primary", first.token)).events == []
    google.state.delete_event(OWNER, first.events[0].id)
    google.state.change_event(OWNER, first.events[1].id, transparency="transparent")
    second = await calendar.changes("primary", first.token)
    assert [(one.id, one.gone, one.busy) for one in second.events] == [
        (first.events[0].id, True, False), (first.events[1].id, False, False),
    ]  # fmt: skip
    google.state.forget_tokens(OWNER)
    assert await fault(calendar.changes("primary", second.token)) is Fault.EXPIRED
    assert await fault(calendar.changes("primary", "nonsense")) is Fault.EXPIRED


async def test_recurring_events_come_one_by_one(google: Running) -> None:
    """Nine on the business's clock, before and after the hour is lost on 8 March."""
    calendar = open_calendar(google)
    nine = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("America/Chicago"))
    made = google.state.add_event(OWNER, nine, nine + HOUR, recurrence=["RRULE:FREQ=DAILY"])
    found = await calendar.everything("primary", nine + timedelta(days=5), nine + timedelta(days=8))
    assert [one.start for one in found.events] == [
        datetime(2026, 3, 7, 15, tzinfo=UTC), datetime(2026, 3, 8, 14, tzinfo=UTC), datetime(2026, 3, 9, 14, tzinfo=UTC),
    ]  # fmt: skip
    google.state.delete_event(OWNER, made["id"])
    gone = await calendar.changes("primary", found.token)
    assert [(one.gone, one.busy) for one in gone.events] == [(True, False)] * 3


def day(number: int) -> Json:
    return {"date": f"2026-03-{number:02d}"}


def clock(hour: str) -> Json:
    return {"dateTime": f"2026-03-03T{hour}:00:00-06:00"}


@pytest.mark.parametrize(
    ("event", "busy", "start"),
    [
        ({}, True, AT),
        ({"transparency": "transparent"}, False, AT),
        ({"transparency": "opaque", "status": "tentative"}, True, AT),
        ({"eventType": "outOfOffice"}, True, AT),
        ({"eventType": "workingLocation"}, False, AT),
        ({"attendees": [{"self": True, "responseStatus": "declined"}]}, False, AT),
        ({"attendees": [{"self": True, "responseStatus": "needsAction"}]}, True, AT),
        ({"attendees": [{"responseStatus": "declined"}, {"self": True, "responseStatus": "accepted"}]}, True, AT),
        ({"start": day(3), "end": day(4)}, True, datetime(2026, 3, 3, 6, tzinfo=UTC)),
        ({"status": "cancelled"}, False, AT),
        ({"summary": "😀" * 10_000}, True, AT),
    ],
)  # fmt: skip
def test_who_is_busy(event: Json, busy: bool, start: datetime) -> None:
    whole = {"id": "x", "status": "confirmed", "start": clock("10"), "end": clock("11"), **event}
    found = held(whole, ZoneInfo("America/Chicago"))
    assert (found.busy, found.start) == (busy, start)


@pytest.mark.parametrize(
    "event",
    [{"id": ""}, {"id": "x"}, {"id": "x", "start": {"dateTime": "soon"}}, {"id": "x", "start": {"date": 3}}],
)
def test_what_cannot_be_read_is_not_believed(event: Json) -> None:
    with pytest.raises(CalendarFailed):
        held(event, ZoneInfo("UTC"))


async def test_watched_told_and_stopped(google: Running) -> None:
    calendar, channel = open_calendar(google), uuid4()
    watched = await calendar.watch("primary", channel, f"{google.url}/sim/push", "secret", timedelta(days=7))
    assert timedelta(days=6) < watched.until - datetime.now(UTC) <= timedelta(days=7)
    await calendar.stop(channel, watched.resource)
    await calendar.stop(channel, watched.resource)
    assert google.state.channels == {}
    plain = calendar.watch("primary", uuid4(), "http://example.com/push", "secret", timedelta(days=7))
    assert await fault(plain) is Fault.BAD


def test_an_events_id_is_one_that_google_takes() -> None:
    link, appointment = uuid4(), uuid4()
    names = [event_id(link, appointment, n) for n in (1, 1, 2)]
    assert names[0] == names[1] != names[2]
    assert all(5 <= len(one) <= 1024 and set(one) <= set("abcdefghijklmnopqrstuv0123456789") for one in names)


@pytest.mark.parametrize(
    ("consent", "expected"), [("given", None), ("without_calendar", Fault.REFUSED), ("denied", None)]
)
async def test_consent(consent: str, expected: Fault | None) -> None:
    async with serve(config=Config(consent=consent)) as google, open_client() as http:
        config, back = google.state.config, "https://desk.example/calendars/google/callback"
        at = addresses(google.url)
        url = google_consent.url(at, config.client_id, back, "state", "verifier" * 8, OWNER)
        answer = await http.get(url)
        query = dict(part.split("=", 1) for part in answer.headers["location"].partition("?")[2].split("&"))
        assert query["state"] == "state"
        if consent == "denied":
            assert query["error"] == "access_denied"
            return
        client, code = (config.client_id, config.client_secret), query["code"].replace("%2F", "/")
        exchanged = google_consent.exchange(http, at, client, code, back, "verifier" * 8)
        if expected:
            assert await fault(exchanged) is expected
            return
        token = await exchanged
        calendar = open_calendar(google, token)
        assert (await insert(calendar)).id == "abcde"
        await calendar.close()
        again = google_consent.exchange(http, at, client, code, back, "verifier" * 8)
        assert await fault(again) is Fault.REVOKED
        assert await google_consent.give_back(http, at, token)
        assert not await google_consent.give_back(http, at, token)


async def test_a_code_without_its_verifier_is_worth_nothing(google: Running) -> None:
    async with open_client() as http:
        config, back, at = google.state.config, "https://desk.example/cb", addresses(google.url)
        url = google_consent.url(at, config.client_id, back, "s", "v" * 43, "primary")
        code = (await http.get(url)).headers["location"].partition("code=")[2].partition("&")[0]
        client = (config.client_id, config.client_secret)
        stolen = google_consent.exchange(http, at, client, code.replace("%2F", "/"), back, "w" * 43)
        assert await fault(stolen) is Fault.REVOKED
        down = google_consent.exchange(http, addresses("http://127.0.0.1:9"), client, "x", back, "v")
        assert await fault(down) is Fault.AWAY
