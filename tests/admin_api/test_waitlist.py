"""The waitlist over the API: the line as it is asked, put on it and taken off it by a person."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.admin_api.api_rig import Api, Business, is_problem, moment
from tests.admin_api.test_booking import BOOKING, contact_of
from tests.rig import NOBODY

Json = dict[str, Any]
DAY = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)


@pytest.fixture
async def salon(open_business: Callable[..., Awaitable[Business]]) -> Business:
    return await open_business(skills={"booking": BOOKING}, hours={"mon-sun": "08:00-17:00"})


async def wish(api: Api, salon: Business, **more: Any) -> Json:
    basis = {"contact_id": await contact_of(api, salon), "service": "haircut", "start": DAY.isoformat()}
    return {**basis, "end": (DAY + timedelta(days=2)).isoformat(), **more}


async def added(api: Api, salon: Business, **more: Any) -> Json:
    body = await wish(api, salon, **more)
    answer = await api.post(salon.path("/waitlist"), json=body, headers=salon.key("agent"))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_on_the_list_seen_and_off_it(api: Api, salon: Business, other: Business) -> None:
    first = await added(api, salon, staff="Kim", earliest="09:00", latest="12:00")
    second = await added(api, salon)
    assert (first["state"], first["staff"], first["earliest"]) == ("waiting", "Kim", "09:00:00")
    assert moment(first["start"]) == DAY
    path = salon.path("/waitlist")
    page = (await api.get(path, params={"limit": 1}, headers=salon.key("viewer"))).json()
    rest = (await api.get(path, params={"cursor": page["next_cursor"]}, headers=salon.key("viewer"))).json()
    assert [one["id"] for one in (*page["items"], *rest["items"])] == [first["id"], second["id"]]
    one = f"{path}/{first['id']}"
    is_problem(
        await api.delete(one.replace(str(salon.id), str(other.id)), headers=other.key("owner")),
        404,
        "not_found",
    )
    for _ in range(2):
        gone = (await api.delete(one, headers=salon.key("agent"))).json()
        assert (gone["state"], gone["reason"]) == ("left", "by_person")
    assert (await api.get(one, headers=salon.key())).json()["state"] == "left"
    left = (await api.get(path, params={"state": "left"}, headers=salon.key())).json()
    assert [one["id"] for one in left["items"]] == [first["id"]]


async def test_asked_twice_it_is_once_and_the_newest_wish_counts(api: Api, salon: Business) -> None:
    body, key = await wish(api, salon), salon.key("agent", Idempotency_Key="once")
    one, two = [await api.post(salon.path("/waitlist"), json=body, headers=key) for _ in range(2)]
    assert one.json() == two.json()
    later = body | {"end": (DAY + timedelta(days=9)).isoformat()}
    await api.post(salon.path("/waitlist"), json=later, headers=salon.key())
    items = (await api.get(salon.path("/waitlist"), headers=salon.key())).json()["items"]
    assert [(entry["state"], entry["reason"]) for entry in items] == [("left", "replaced"), ("waiting", None)]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"service": "surgery"}, "/service"), ({"staff": "Max"}, "/staff"), ({"end": DAY.isoformat()}, "/end"),
        ({"end": (DAY + timedelta(days=400)).isoformat()}, "/end"), ({"earliest": "12:00", "latest": "09:00"}, "/latest"),
        ({"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}, "/end"), ({"start": "soon"}, "/start"),
        ({"colour": 1}, "/colour"),
    ],
)  # fmt: skip
async def test_what_is_not_taken(api: Api, salon: Business, change: Json, pointer: str) -> None:
    body = await wish(api, salon, **change)
    answer = await api.post(salon.path("/waitlist"), json=body, headers=salon.key())
    is_problem(answer, 422, "invalid", pointer)


async def test_who_is_not_there_and_who_may_not(api: Api, salon: Business, business: Business) -> None:
    path = salon.path("/waitlist")
    body = await wish(api, salon, contact_id=NOBODY)
    is_problem(await api.post(path, json=body, headers=salon.key()), 404, "not_found")
    is_problem(await api.post(path, json=body, headers=salon.key("viewer")), 403, "not_permitted")
    is_problem(await api.get(f"{path}/{NOBODY}", headers=salon.key()), 404, "not_found")
    is_problem(await api.delete(f"{path}/{NOBODY}", headers=salon.key()), 404, "not_found")
    is_problem(
        await api.post(business.path("/waitlist"), json=body, headers=business.key()), 404, "not_found"
    )
