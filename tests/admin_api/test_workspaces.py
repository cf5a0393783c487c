"""A business as its people change it over HTTP: checked like its file, versioned, written down."""

from typing import Any
from uuid import UUID

import pytest

from runtime.runtime import Runtime
from store import audit, workspaces
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, is_problem, together
from tests.admin_api.people_rig import Person, register


@pytest.fixture
async def olive(api: Api) -> Person:
    return await register(api)


@pytest.mark.parametrize(
    ("patch", "shown"),
    [
        ({"name": "Cedar & Sons"}, {"name": "Cedar & Sons"}),
        ({"timezone": "Europe/Madrid"}, {"timezone": "Europe/Madrid"}),
        ({"assistant": {"name": "Ava", "languages": ["en", "es"]}}, {"assistant.languages": ["en", "es"]}),
        ({"assistant": {"greeting": "¡Hola! 👋"}}, {"assistant.greeting": "¡Hola! 👋", "assistant.name": "Ava"}),
        ({"policy": {"pause_after_human": "2h"}}, {"policy.pause_after_human": "2h", "policy.confidence": 0.7}),
        ({"policy": {"approve": ["money"]}}, {"policy.approve": ["money"]}),
        ({"policy": None}, {"policy.default": "auto"}),
        ({"hours": {"mon-fri": "08:00-17:00"}}, {"hours": {"mon-fri": "08:00-17:00", "sat-sun": "closed"}}),
        ({"hours": {"sat": "10:00-12:00"}}, {"hours": {"mon-fri": "closed", "sat": "10:00-12:00", "sun": "closed"}}),
        ({"brand": {"color": "#0f766e"}}, {"brand.color": "#0f766e"}),
        ({"brand": {"color": None}}, {"brand.color": None}),
        ({}, {"name": "Cedar Dental"}),
    ],
)  # fmt: skip
async def test_what_is_changed(olive: Person, patch: dict[str, Any], shown: dict[str, Any]) -> None:
    before = await olive.get()
    after = await olive.send("PATCH", "", patch)
    assert after.status_code == 200, after.text
    for path, value in shown.items():
        found = after.json()
        for part in path.split("."):
            found = found[part]
        assert found == value
    assert (await olive.get()).json() == after.json()
    changed = before.json() | {"version": 0} != after.json() | {"version": 0}
    assert (after.headers["etag"] != before.headers["etag"]) is changed


@pytest.mark.parametrize(
    ("patch", "pointer", "said"),
    [
        ({"name": None}, "/name", "is missing"),
        ({"name": ""}, "/name", "at least 1"),
        ({"timezone": "Texas"}, "/timezone", "America/Chicago"),
        ({"assistant": {"personalty": "casual"}}, "/assistant/personalty", "did you mean personality?"),
        ({"assistant": {"personality": "grumpy"}}, "/assistant/personality", "friendly"),
        ({"policy": {"confidence": 2}}, "/policy/confidence", "less than or equal to 1"),
        ({"policy": {"draft_expires": "soon"}}, "/policy/draft_expires", "90s, 15m"),
        ({"hours": {"funday": "08:00-17:00"}}, "/hours", "mon-fri"),
        ({"hours": {"mon": "17:00-08:00"}}, "/hours", "08:00-17:00"),
        ({"brand": {"color": "teal"}}, "/brand/color", ""),
        ({"slug": "other"}, "/slug", ""),
        ({"channels": []}, "/channels", ""),
        ({"policy": {"reopen_with": "none"}}, "", "templates are none"),
    ],
)
async def test_what_is_not_valid_changes_nothing(
    olive: Person, patch: dict[str, Any], pointer: str, said: str
) -> None:
    before = (await olive.get()).json()
    told = is_problem(await olive.send("PATCH", "", {"industry": "medical"} | patch), 422, "invalid", pointer)
    assert said in told["errors"][0]["detail"]
    assert (await olive.get()).json() == before


async def test_only_what_one_has_read(olive: Person) -> None:
    tag = (await olive.get()).headers["etag"]
    other = await olive.send(
        "PATCH", "", {"assistant": {"name": "Ben"}, "policy": {"confidence": 0.5}}, if_match=tag
    )
    await olive.send("PATCH", "", {"name": "Cedar"})
    late = await olive.send("PATCH", "", {"assistant": {"name": "Cleo"}}, if_match=tag)
    is_problem(late, 412, "stale_version", "/assistant/name", "/name", "/policy/confidence")
    is_problem(await olive.send("PATCH", "", {"name": "X"}, if_match='W/"3"'), 412, "stale_version")
    last = await olive.send("PATCH", "", {"name": "Cedar 2"}, if_match=other.headers["etag"])
    is_problem(last, 412, "stale_version", "/name")
    assert (await olive.send("PATCH", "", {"name": "Cedar 3"}, if_match="*")).status_code == 200


async def test_two_at_once_lose_nothing(olive: Person) -> None:
    tag = (await olive.get()).headers["etag"]
    wishes = [{"name": "Cedar"}, {"timezone": "America/Denver"}, {"industry": "medical"}]
    free = await together(*(olive.send("PATCH", "", wish) for wish in wishes))
    assert {answer.status_code for answer in free} == {200}
    now = (await olive.get()).json()
    assert (now["name"], now["timezone"], now["industry"]) == ("Cedar", "America/Denver", "medical")
    is_problem(
        await olive.send("PATCH", "", {"name": "Late"}, if_match=tag),
        412,
        "stale_version",
        "/industry",
        "/name",
        "/timezone",
    )


async def test_it_is_written_down_without_values(olive: Person, rt: Runtime) -> None:
    await olive.send("PATCH", "", {"assistant": {"instructions": "Never mention Frank."}})
    async with rt.db.transaction(UUID(olive.workspace)) as tx:
        version = (await workspaces.get(tx)).version
        (told,) = await audit.details_since(tx, "workspace_changed", tx.workspace_id, 0)
        assert told == {"version": version, "paths": ["assistant.instructions"]}
        assert await audit.verify(tx) is None


async def test_another_one(api: Api, olive: Person) -> None:
    key = str(new_id())
    wish = {"name": "Lakeline", "timezone": "America/Denver"}
    answers = [
        await api.post("/api/v1/workspaces", headers=olive.headers | {"Idempotency-Key": key}, json=wish)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
    mismatch = await api.post(
        "/api/v1/workspaces", headers=olive.headers | {"Idempotency-Key": key}, json={"name": "Other"}
    )
    is_problem(mismatch, 422, "idempotency_mismatch")
    listed = (await api.get("/api/v1/workspaces", headers=olive.headers)).json()["items"]
    assert {(one["name"], one["role"]) for one in listed} == {
        ("Cedar Dental", "owner"),
        ("Lakeline", "owner"),
    }
    there = f"/api/v1/workspaces/{answers[0].json()['slug']}"
    assert (await api.get(f"{there}/members", headers=olive.headers)).json()["items"][0][
        "name"
    ] == "Olive Owner"


async def test_a_key_makes_no_workspace(api: Api, business: Business) -> None:
    answer = await api.post("/api/v1/workspaces", headers=business.key("owner"), json={"name": "More"})
    is_problem(answer, 403, "not_permitted")


async def test_what_a_file_applied_is_what_the_api_shows(api: Api, business: Business) -> None:
    shown = (await api.get(business.path(), headers=business.key("viewer"))).json()
    assert (shown["slug"], shown["timezone"], shown["role"]) == (business.slug, "America/Chicago", "viewer")
    patched = await api.patch(
        business.path(), headers=business.key("admin"), json={"brand": {"color": "#112233"}}
    )
    assert patched.status_code == 200
    channels = (await api.get(business.path("/channels"), headers=business.key())).json()["items"]
    assert [one["state"] for one in channels] == ["active"]
