"""Feeds of appointments: a secret address, what it tells and to whom, and the same event over every change."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from icalendar import Calendar, Component
from starlette.applications import Starlette

from admin_api import calendar_door
from domain.errors import Conflict
from runtime.runtime import Runtime
from store import feeds
from tests.admin_api.api_rig import Api, Business, is_problem
from tests.admin_api.test_booking import BOOKING, book, contact_of
from tests.rig import NOBODY

Json = dict[str, Any]
DAY = (datetime.now(UTC) + timedelta(days=3)).replace(hour=18, minute=0, second=0, microsecond=0)
NAME = "Zoë 😀 " + "Quispe; de, la \\ Cruz\n" * 20


@pytest.fixture
async def salon(open_business: Callable[..., Awaitable[Business]]) -> Business:
    return await open_business(skills={"booking": BOOKING}, hours={"mon-sun": "08:00-17:00"})


@pytest.fixture
async def subscriber(rt: Runtime) -> Api:
    return Api(
        transport=httpx2.ASGITransport(Starlette(routes=calendar_door.routes(rt))),
        base_url="http://testserver",
    )


async def make(api: Api, salon: Business, **wish: Any) -> Json:
    answer = await api.post(salon.path("/calendar/feeds"), json=wish, headers=salon.key("admin"))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def booked(api: Api, salon: Business, start: datetime, **more: str) -> Json:
    contact = await contact_of(api, salon)
    await api.patch(salon.path(f"/contacts/{contact}"), json={"name": NAME[:150]}, headers=salon.key())
    body = {"contact_id": contact, "service": "haircut", "staff": "Kim", "start": start.isoformat()}
    answer = await book(api, salon, body | more)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def events(subscriber: Api, url: str) -> list[Component]:
    answer = await subscriber.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    return list(Calendar.from_ical(answer.content).walk("VEVENT"))


async def test_the_same_event_moved_and_called_off(api: Api, salon: Business, subscriber: Api) -> None:
    url = (await make(api, salon))["url"]
    assert await events(subscriber, url) == []
    mine = await booked(api, salon, DAY)
    (first,) = await events(subscriber, url)
    assert (first["uid"], first.start, first.end) == (
        f"{mine['id']}@frontdesk",
        DAY,
        DAY + timedelta(minutes=30),
    )
    assert (first["summary"], first["status"]) == ("haircut · Kim", "CONFIRMED")
    path = salon.path(f"/appointments/{mine['id']}")
    later = DAY + timedelta(hours=2)
    assert (await api.patch(path, json={"start": later.isoformat()}, headers=salon.key())).status_code == 200
    (moved,) = await events(subscriber, url)
    assert (moved["uid"], moved.start) == (first["uid"], later)
    assert moved["sequence"] > first["sequence"]
    await api.post(f"{path}/cancel", headers=salon.key())
    (off,) = await events(subscriber, url)
    assert (off["uid"], off["status"], off["transp"]) == (first["uid"], "CANCELLED", "TRANSPARENT")
    assert off["sequence"] > moved["sequence"]


@pytest.mark.parametrize(
    ("tells", "said", "not_said"),
    [
        ("busy", "Busy", ("haircut", "Zoë", "Kim")),
        ("service", "haircut · Kim", ("Zoë",)),
        ("name", "haircut · Zoë 😀 Quispe; de, la \\ Cruz Quispe", ()),
    ],
)
async def test_no_more_of_the_customer_than_the_owner_allows(
    api: Api, salon: Business, subscriber: Api, tells: str, said: str, not_said: tuple[str, ...]
) -> None:
    url = (await make(api, salon, tells=tells))["url"]
    await booked(api, salon, DAY)
    (event,) = await events(subscriber, url)
    assert event["summary"].startswith(said)
    whole = (await subscriber.get(url)).text
    assert [word for word in not_said if word in whole] == []


async def test_of_one_of_the_staff_only_theirs(api: Api, salon: Business, subscriber: Api) -> None:
    urls = [(await make(api, salon, staff=who))["url"] for who in ("Kim", "Lou")]
    mine = await booked(api, salon, DAY)
    assert [len(await events(subscriber, url)) for url in urls] == [1, 0]
    path = salon.path(f"/appointments/{mine['id']}")
    await api.patch(path, json={"start": DAY.isoformat(), "staff": "Lou"}, headers=salon.key())
    assert [len(await events(subscriber, url)) for url in urls] == [0, 1]


async def test_what_has_not_changed_is_not_sent_again(api: Api, salon: Business, subscriber: Api) -> None:
    url = (await make(api, salon))["url"]
    mine = await booked(api, salon, DAY)
    first = await subscriber.get(url)
    tag, date = first.headers["etag"], first.headers["last-modified"]
    known = [{"If-None-Match": tag}, {"If-None-Match": f'"x", W/{tag}'}, {"If-None-Match": "*"}]
    for headers in (*known, {"If-Modified-Since": date}):
        again = await subscriber.get(url, headers=headers)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), headers
    old = [{"If-None-Match": '"x"', "If-Modified-Since": date}, {"If-Modified-Since": "yesterday"},
           {"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}]  # fmt: skip
    for headers in old:
        assert (await subscriber.get(url, headers=headers)).status_code == 200, headers
    await api.post(salon.path(f"/appointments/{mine['id']}/cancel"), headers=salon.key())
    assert (await subscriber.get(url, headers={"If-None-Match": tag})).status_code == 200
    head = await subscriber.head(url)
    assert (head.status_code, head.content) == (200, b"")


async def test_revoked_or_guessed_there_is_nothing(
    api: Api, salon: Business, other: Business, subscriber: Api
) -> None:
    made = await make(api, salon)
    url, feeds_ = made["url"], salon.path("/calendar/feeds")
    (listed,) = (await api.get(feeds_, headers=salon.key("admin"))).json()["items"]
    assert listed == {name: value for name, value in made.items() if name != "url"}
    secret = url.rpartition("/")[2]
    guessed = (
        f"{other.id}/{secret}",
        f"{NOBODY}/{secret}",
        f"{salon.id}/{'x' * 43}.ics",
        f"{salon.id}/%00.ics",
        "1/2.ics",
    )
    for wrong in guessed:
        assert (await subscriber.get(f"/calendars/{wrong}")).status_code == 404, wrong
    one = salon.path(f"/calendar/feeds/{made['id']}")
    is_problem(
        await api.delete(one.replace(str(salon.id), str(other.id)), headers=other.key("owner")),
        404,
        "not_found",
    )
    for _ in range(2):
        assert (await api.delete(one, headers=salon.key("admin"))).json()["revoked_at"] is not None
    assert (await subscriber.get(url)).status_code == 404


async def test_who_may_and_for_whom(api: Api, salon: Business, other: Business) -> None:
    path = "/calendar/feeds"
    is_problem(await api.post(salon.path(path), json={}, headers=salon.key("agent")), 403, "not_permitted")
    unknown = await api.post(salon.path(path), json={"staff": "Max"}, headers=salon.key("admin"))
    is_problem(unknown, 422, "invalid", "/staff")
    loud = await api.post(salon.path(path), json={"tells": "all"}, headers=salon.key("admin"))
    is_problem(loud, 422, "invalid", "/tells")
    is_problem(await api.post(other.path(path), json={}, headers=other.key("admin")), 404, "not_found")
    key = salon.key("admin", Idempotency_Key="once")
    one, two = [await api.post(salon.path(path), json={}, headers=key) for _ in range(2)]
    assert one.json()["url"] == two.json()["url"]
    async with salon.rt.db.transaction(salon.id) as tx:
        for _ in range(feeds.MOST - 1):
            await feeds.add(tx, "", feeds.Tells.BUSY)
        with pytest.raises(Conflict):
            await feeds.add(tx, "", feeds.Tells.BUSY)
