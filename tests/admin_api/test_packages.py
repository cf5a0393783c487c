"""A business begins with an industry package over HTTP."""

from typing import Any

import pytest

from runtime import packages
from tests.admin_api.api_rig import Api, is_problem
from tests.admin_api.people_rig import register

FERN = {"name": "Fern & Co", "timezone": "America/Denver", "package": "salon"}


async def test_packages_are_listed(api: Api) -> None:
    olive = await register(api)
    items = (await api.get("/api/v1/packages", headers=olive.headers)).json()["items"]
    assert [one["name"] for one in items] == list(packages.names())
    salon = next(one for one in items if one["name"] == "salon")
    assert salon["role"] == "salon"
    assert {"service", "when", "staff"} <= set(salon["fields"])
    assert {"booked"} <= set(salon["statuses"])
    assert "patch test first" in salon["rules"]
    assert salon["skills"] == ["booking"]
    assert "patch test" in salon["about"]
    assert (await api.get("/api/v1/packages")).status_code == 401


async def test_one_call_begins_a_business(api: Api) -> None:
    olive = await register(api)
    wish = FERN | {"hours": {"tue-sat": "09:00-18:00"}}
    made = await api.post("/api/v1/workspaces", headers=olive.headers, json=wish)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["name"], told["industry"], told["hours"]["tue-sat"]) == (
        "Fern & Co",
        "beauty",
        "09:00-18:00",
    )
    there = f"/api/v1/workspaces/{told['slug']}"
    schemas = (await api.get(f"{there}/schemas", headers=olive.headers)).json()["items"]
    assert [one["name"] for one in schemas] == ["visit"]
    written = (await api.get(f"{there}/export", headers=olive.headers)).text
    assert "patch test first" in written
    assert "Juniper" not in written
    documents = (await api.get(f"{there}/documents", headers=olive.headers)).json()["items"]
    assert documents == []
    changed = await api.patch(there, headers=olive.headers, json={"assistant": {"name": "Fran"}})
    assert changed.json()["assistant"]["name"] == "Fran"


async def test_samples_only_if_wished_for(api: Api) -> None:
    olive = await register(api)
    wish = FERN | {"samples": True}
    made = (await api.post("/api/v1/workspaces", headers=olive.headers, json=wish)).json()
    found = await api.get(f"/api/v1/workspaces/{made['slug']}/documents", headers=olive.headers)
    assert len(found.json()["items"]) == len(packages.read("salon").documents)


async def test_registering_begins_with_one_too(api: Api) -> None:
    wish = {
        "email": "fern@example.com",
        "password": "a long enough pass phrase",
        "name": "Fern",
        "workspace": FERN,
    }
    answer = await api.post("/api/v1/auth/register", json=wish)
    assert answer.status_code == 201, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    slug = answer.json()["workspaces"][0]["slug"]
    assert (await api.get(f"/api/v1/workspaces/{slug}", headers=headers)).json()["industry"] == "beauty"


@pytest.mark.parametrize(
    ("wish", "pointer", "said"),
    [
        ({"package": "pub"}, "/package", "there are advisor"),
        ({"hours": {"someday": "9-5"}}, "/hours", "is not a day"),
        ({"hours": {"mon": "9-5"}}, "/hours", "are no opening hours"),
        ({"samples": "perhaps"}, "/samples", "boolean"),
    ],
)
async def test_what_is_wrong_is_pointed_at(api: Api, wish: dict[str, Any], pointer: str, said: str) -> None:
    olive = await register(api)
    answer = await api.post("/api/v1/workspaces", headers=olive.headers, json=FERN | wish)
    problem = is_problem(answer, 422, "invalid", pointer)
    assert said in problem["errors"][0]["detail"]
