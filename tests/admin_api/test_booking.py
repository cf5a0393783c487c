"""Appointments over the API: what is free, who comes, moved and called off by a person; never two in one time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.booking import BookTime, HoldTime, Opening
from store import drafts
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, is_problem, moment, together

Json = dict[str, Any]
BOOKING = {
    "services": [
        {"name": "haircut", "minutes": 30, "buffer": 10, "staff": ["Kim", "Lou"]},
        {"name": "colour", "minutes": 90},
    ],
    "staff": [{"name": "Kim"}, {"name": "Lou"}],
}
DAY = (datetime.now(UTC) + timedelta(days=3)).replace(hour=18, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
async def salon(open_business: Any) -> Business:
    made: Business = await open_business(skills={"booking": BOOKING}, hours={"mon-sun": "08:00-17:00"})
    return made


async def contact_of(api: Api, business: Business) -> str:
    number = (await business.customer()).number
    answer = await api.get(business.path("/contacts"), params={"address": number}, headers=business.key())
    return str(answer.json()["items"][0]["id"])


async def book(api: Api, business: Business, body: Json, **headers: str) -> Any:
    return await api.post(business.path("/appointments"), json=body, headers=business.key("agent", **headers))


async def booked(api: Api, business: Business, start: datetime, **more: str) -> Json:
    body = {"contact_id": await contact_of(api, business), "service": "colour", "start": start.isoformat()}
    answer = await book(api, business, body | more)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_services_and_slots_and_what_is_taken(api: Api, salon: Business) -> None:
    answer = await api.get(salon.path("/services"), headers=salon.key("viewer"))
    assert [(one["name"], one["staff"]) for one in answer.json()["services"]] == [
        ("haircut", ["Kim", "Lou"]),
        ("colour", []),
    ]
    start = DAY + timedelta(days=1)
    params = {"service": "colour", "from": start.isoformat(), "to": (start + timedelta(hours=3)).isoformat()}
    slots = (await api.get(salon.path("/slots"), params=params, headers=salon.key())).json()["slots"]
    assert moment(slots[0]["start"]) == start
    await booked(api, salon, start)
    slots = (await api.get(salon.path("/slots"), params=params, headers=salon.key())).json()["slots"]
    assert moment(slots[0]["start"]) == start + timedelta(minutes=90)
    params = {"from": start.date().isoformat(), "to": start.date().isoformat()}
    answer = await api.get(salon.path("/availability"), params=params, headers=salon.key())
    by_staff = {one["staff"]: one for one in answer.json()["days"]}
    assert set(by_staff) == {None, "Kim", "Lou"}
    assert [moment(one["start"]) for one in by_staff[None]["taken"]] == [start]
    assert by_staff["Kim"]["taken"] == []


@pytest.mark.parametrize(
    ("path", "params", "pointer"),
    [
        ("/slots", {"service": "tattoo", "from": "2026-11-24T00:00:00Z", "to": "2026-11-25T00:00:00Z"}, "/query/service"),
        ("/slots", {"service": "colour", "from": "2026-11-24T00:00:00Z", "to": "2026-11-24T00:00:00Z"}, "/query/to"),
        ("/slots", {"service": "colour", "from": "2026-11-24T00:00:00Z", "to": "2027-11-24T00:00:00Z"}, "/query/to"),
        ("/availability", {"from": "2026-11-24", "to": "2026-11-23"}, "/query/to"),
    ],
)  # fmt: skip
async def test_a_wrong_question_is_told_what_is_wrong(
    api: Api, salon: Business, path: str, params: Json, pointer: str
) -> None:
    is_problem(await api.get(salon.path(path), params=params, headers=salon.key()), 422, "invalid", pointer)


async def test_two_at_once_for_one_time_and_one_has_it(api: Api, salon: Business) -> None:
    start = DAY + timedelta(days=2)
    ways = [
        {"contact_id": await contact_of(api, salon), "service": "colour", "start": start.isoformat()}
        for _ in range(4)
    ]
    answers = await together(*(book(api, salon, one) for one in ways))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    is_problem(next(one for one in answers if one.status_code == 409), 409, "time_taken")


async def test_staff_are_taken_one_by_one_their_rest_too(api: Api, salon: Business) -> None:
    start = DAY + timedelta(days=3)
    first = await booked(api, salon, start, service="haircut")
    second = await booked(api, salon, start, service="haircut")
    assert {first["staff"], second["staff"]} == {"Kim", "Lou"}
    body = {"contact_id": first["contact_id"], "service": "haircut"}
    soon = (start + timedelta(minutes=35)).isoformat()
    is_problem(await book(api, salon, body | {"start": soon}), 409, "time_taken")
    is_problem(await book(api, salon, body | {"start": soon, "staff": "Max"}), 422, "invalid", "/staff")
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    is_problem(await book(api, salon, body | {"start": past}), 422, "invalid", "/start")


async def test_the_same_request_twice_is_one_appointment(api: Api, salon: Business) -> None:
    start = DAY + timedelta(days=4)
    body = {"contact_id": await contact_of(api, salon), "service": "colour", "start": start.isoformat()}
    first = await book(api, salon, body, Idempotency_Key="once")
    again = await book(api, salon, body, Idempotency_Key="once")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_moved_only_as_it_was_read_and_only_where_it_is_free(api: Api, salon: Business) -> None:
    start = DAY + timedelta(days=5)
    mine, theirs = await booked(api, salon, start), await booked(api, salon, start + timedelta(hours=3))
    path = salon.path(f"/appointments/{mine['id']}")
    is_problem(await api.patch(path, json={"start": theirs["start"]}, headers=salon.key()), 409, "time_taken")
    later = {"start": (start + timedelta(minutes=30)).isoformat()}
    moved = await api.patch(path, json=later, headers=salon.key("agent", If_Match='"1"'))
    assert (moved.status_code, moved.headers["etag"], moved.json()["version"]) == (200, '"2"', 2)
    stale = await api.patch(path, json=later, headers=salon.key("agent", If_Match='"1"'))
    is_problem(stale, 412, "stale_version")
    read = await api.get(path, headers=salon.key("viewer"))
    assert moment(read.json()["start"]) == start + timedelta(minutes=30)


async def test_called_off_it_is_free_again_and_done_comes_after_it_began(api: Api, salon: Business) -> None:
    start = DAY + timedelta(days=6)
    mine = await booked(api, salon, start)
    path = salon.path(f"/appointments/{mine['id']}")
    is_problem(await api.post(f"{path}/no-show", headers=salon.key()), 409, "not_begun")
    is_problem(await api.post(f"{path}/done", headers=salon.key()), 409, "not_begun")
    for _ in range(2):
        answer = await api.post(f"{path}/cancel", headers=salon.key())
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled"), answer.text
    is_problem(
        await api.patch(path, json={"start": start.isoformat()}, headers=salon.key()), 409, "not_booked"
    )
    await booked(api, salon, start)
    params = {"from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat(), "state": "cancelled"}
    page = (await api.get(salon.path("/appointments"), params=params, headers=salon.key())).json()
    assert [one["id"] for one in page["items"]] == [mine["id"]]


async def test_a_page_at_a_time_and_by_contact(api: Api, salon: Business) -> None:
    start = DAY + timedelta(days=8)
    made = [await booked(api, salon, start + timedelta(hours=2 * n)) for n in range(3)]
    seen, cursor = list[str](), None
    while True:
        params: Json = {"from": start.isoformat(), "to": (start + timedelta(days=1)).isoformat(), "limit": 1}
        params |= {"cursor": cursor} if cursor else {}
        page = (await api.get(salon.path("/appointments"), params=params, headers=salon.key())).json()
        seen += [one["id"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [one["id"] for one in made]
    params = {"contact": made[0]["contact_id"]}
    page = (await api.get(salon.path("/appointments"), params=params, headers=salon.key())).json()
    assert [one["id"] for one in page["items"]] == [made[0]["id"]]


async def test_another_business_sees_nothing_of_it(api: Api, salon: Business, other: Business) -> None:
    mine = await booked(api, salon, DAY + timedelta(days=9))
    rest = f"/appointments/{mine['id']}"
    for answer in (
        await api.get(other.path(rest), headers=other.key("owner")),
        await api.post(other.path(f"{rest}/cancel"), headers=other.key("owner")),
        await api.get(other.path("/services"), headers=other.key("owner")),
    ):
        is_problem(answer, 404, "not_found")
    body = {"contact_id": str(new_id()), "service": "colour", "start": DAY.isoformat()}
    is_problem(await book(api, salon, body), 404, "not_found")


async def test_a_draft_that_promises_a_time_taken_meanwhile_is_refused(api: Api, salon: Business) -> None:
    start = DAY + timedelta(days=10)
    customer = await salon.customer("a colour please")
    contact = await contact_of(api, salon)
    async with salon.rt.db.transaction(salon.id) as tx:
        started = await customer._turn(tx)
        talk = started.turn.conversation
        opening = Opening(start, start + timedelta(minutes=90), "*", 0)
        held = HoldTime(new_id(), talk.contact_id, talk.id, "colour", opening, timedelta(0), tx.now)
        draft = await drafts.propose(
            tx, talk.id, talk.thread_id, started.id, started.turn.base_seq, "Booked!", "all",
            tx.now + timedelta(hours=1), (BookTime(held),),
        )  # fmt: skip
    body = {"contact_id": contact, "service": "colour", "start": start.isoformat()}
    assert (await book(api, salon, body)).status_code == 201
    answer = await api.post(salon.path(f"/drafts/{draft}/approve"), headers=salon.key())
    is_problem(answer, 409, "draft_overtaken")
