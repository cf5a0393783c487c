"""Calls that customers wait for over the API: the line, taken, made, tried in vain, and by two people at once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from store import notifications
from tests.admin_api.api_rig import Api, Business, is_problem, moment, together, waits_for_call
from tests.rig import NOBODY

Json = dict[str, Any]
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)


@pytest.fixture
async def garage(open_business: Callable[..., Awaitable[Business]]) -> Business:
    return await open_business(skills={"callback": {}}, hours={"mon-fri": "08:00-17:00"})


async def patch(api: Api, garage: Business, callback_id: UUID, kind: str = "agent", **body: Any) -> Any:
    headers = garage.key(kind, **({"if_match": body.pop("if_match")} if "if_match" in body else {}))
    return await api.patch(garage.path(f"/callbacks/{callback_id}"), json=body, headers=headers)


async def test_who_is_to_be_called_first_comes_first(api: Api, garage: Business) -> None:
    later, sooner = (
        await waits_for_call(garage, SOON + timedelta(hours=3)),
        await waits_for_call(garage, SOON, number=""),
    )
    path, key = garage.path("/callbacks"), garage.key("viewer")
    page = (await api.get(path, params={"limit": 1}, headers=key)).json()
    rest = (await api.get(path, params={"cursor": page["next_cursor"]}, headers=key)).json()
    assert [one["id"] for one in (*page["items"], *rest["items"])] == [str(sooner), str(later)]
    (first,) = page["items"]
    assert (first["state"], first["number"], first["attempts"], first["reason"]) == (
        "open",
        None,
        0,
        "want_human",
    )
    assert first["summary"] == 'Brakes: "they squeak"'
    assert moment(first["call_at"]) == SOON
    none = (await api.get(path, params={"state": "done"}, headers=key)).json()
    assert none == {"items": [], "next_cursor": None}


async def test_taken_and_done(api: Api, garage: Business) -> None:
    one = await waits_for_call(garage, SOON)
    seen = await api.get(garage.path(f"/callbacks/{one}"), headers=garage.key("viewer"))
    assert seen.headers["etag"] == '"1"'
    taken = await patch(api, garage, one, state="taken", if_match='"1"')
    assert (taken.status_code, taken.json()["state"], taken.headers["etag"]) == (200, "taken", '"2"')
    assert taken.json()["assignee_id"] == str(garage.persons["agent"])
    is_problem(await patch(api, garage, one, "owner", state="taken", if_match='"1"'), 412, "stale_version")
    done = (await patch(api, garage, one, state="done", note="New pads ordered")).json()
    assert (done["state"], done["note"], done["number"]) == ("done", "New pads ordered", "+15125550100")
    assert done["ended_at"] is not None
    is_problem(await patch(api, garage, one, state="taken"), 409, "callback_over")
    async with garage.rt.db.transaction(garage.id) as tx:
        left = await notifications.page(tx, garage.persons["owner"], unread=True, before=None, limit=9)
    assert [note.kind for note in left if note.subject_id == one] == []


async def test_tried_in_vain(api: Api, garage: Business) -> None:
    one = await waits_for_call(garage, SOON)
    again = SOON + timedelta(days=1)
    tried = (await patch(api, garage, one, state="not_reached", again=again.isoformat())).json()
    assert (tried["state"], tried["attempts"], moment(tried["call_at"])) == ("open", 1, again)
    assert moment(tried["due_at"]) == again + timedelta(hours=1)
    over = (await patch(api, garage, one, state="not_reached")).json()
    assert (over["state"], over["attempts"]) == ("unreached", 2)


@pytest.mark.parametrize(
    ("body", "status", "code", "pointers"),
    [
        ({"state": "open"}, 422, "invalid", ["/state"]),
        ({}, 422, "invalid", ["/state"]),
        ({"state": "done", "again": "2100-01-01T00:00:00Z"}, 422, "invalid", ["/again"]),
        ({"state": "not_reached", "again": "2020-01-01T00:00:00Z"}, 422, "invalid", ["/again"]),
        ({"state": "not_reached", "again": "2100-01-01T00:00:00"}, 422, "invalid", ["/again"]),
        ({"state": "done", "number": "+1"}, 422, "invalid", ["/number"]),
        ({"state": "done", "note": "x" * 2_001}, 422, "invalid", ["/note"]),
    ],
)
async def test_what_is_refused(
    api: Api, garage: Business, body: Json, status: int, code: str, pointers: list[str]
) -> None:
    one = await waits_for_call(garage, SOON)
    is_problem(await patch(api, garage, one, **body), status, code, *pointers)
    assert (await api.get(garage.path(f"/callbacks/{one}"), headers=garage.key())).json()["version"] == 1


async def test_two_take_it_at_once_and_one_hears_that_it_changed(api: Api, garage: Business) -> None:
    one = await waits_for_call(garage, SOON)
    both = await together(
        *(patch(api, garage, one, kind, state="taken", if_match='"1"') for kind in ("agent", "owner"))
    )
    assert sorted(answer.status_code for answer in both) == [200, 412]


async def test_nobody_elses(api: Api, garage: Business, other: Business) -> None:
    one = await waits_for_call(garage, SOON)
    path = other.path(f"/callbacks/{one}")
    is_problem(await api.get(path, headers=other.key("owner")), 404, "not_found")
    is_problem(await api.patch(path, json={"state": "done"}, headers=other.key("owner")), 404, "not_found")
    is_problem(await api.get(garage.path(f"/callbacks/{NOBODY}"), headers=garage.key()), 404, "not_found")
    is_problem(await patch(api, garage, one, "viewer", state="done"), 403, "not_permitted")
