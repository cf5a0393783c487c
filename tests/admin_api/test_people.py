"""Members, invitations and keys: who may make whom, who stays, and what is shown once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from runtime.runtime import Runtime
from tests.admin_api.api_rig import Api, Business, is_problem, together
from tests.admin_api.people_rig import AUTH, GOOD, Person, bearer, login, new_email, refresh, register

Owner = psycopg.AsyncConnection[Any]


@pytest.fixture(scope="module")
async def olive(api: Api) -> Person:
    return await register(api)


@pytest.fixture(scope="module")
async def adam(olive: Person) -> Person:
    return await olive.invites("admin", name="Adam Admin")


# --- members ---


async def test_members(olive: Person, adam: Person) -> None:
    listed = (await adam.get("/members")).json()["items"]
    assert [(one["role"], one["name"], one["email"]) for one in listed][:2] == [
        ("owner", "Olive Owner", olive.email), ("admin", "Adam Admin", adam.email),
    ]  # fmt: skip
    assert all(one["signs_in"] and one["state"] == "active" for one in listed)
    one = await adam.get(f"/members/{olive.person_id}")
    assert one.json() == listed[0]


@pytest.mark.parametrize(
    ("who", "whom", "change", "status"),
    [
        ("admin", "agent", {"role": "viewer"}, 200),
        ("admin", "agent", {"role": "admin"}, 200),
        ("admin", "agent", {"name": "Agnes"}, 200),
        ("admin", "agent", {"role": "owner"}, 403),
        ("admin", "owner", {"role": "agent"}, 403),
        ("admin", "owner", {"state": "disabled"}, 403),
        ("admin", "admin", {"role": "owner"}, 403),
        ("agent", "agent", {"name": "Me"}, 403),
        ("owner", "agent", {"role": "owner"}, 200),
        ("owner", "agent", {"state": "disabled"}, 200),
        ("owner", "owner", {"role": "admin"}, 409),
        ("owner", "owner", {"state": "disabled"}, 409),
        ("owner", "owner", {"name": "Olivia"}, 200),
        ("owner", "agent", {"role": "king"}, 422),
        ("owner", "agent", {"email": "x@example.com"}, 422),
    ],
)
async def test_who_changes_whom(api: Api, who: str, whom: str, change: dict[str, str], status: int) -> None:
    olive = await register(api)
    people = {"owner": olive, "admin": await olive.invites("admin"), "agent": await olive.invites("agent")}
    answer = await people[who].send("PATCH", f"/members/{people[whom].person_id}", change)
    assert answer.status_code == status, answer.text
    if status == 409:
        is_problem(answer, 409, "last_owner")
    if status == 200:
        assert answer.json() == answer.json() | change


async def test_two_owners_who_step_back_at_once_leave_one(api: Api) -> None:
    olive = await register(api)
    oscar = await olive.invites("owner")
    answers = await together(
        *(one.send("PATCH", f"/members/{one.person_id}", {"role": "agent"}) for one in (olive, oscar))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_who_is_disabled_is_out_at_once(api: Api, olive: Person) -> None:
    agent, admin = await olive.invites("agent"), await olive.invites("admin")
    key = (await admin.send("POST", "/api-keys", {"name": "mine"})).json()["key"]
    for one in (agent, admin):
        await olive.send("PATCH", f"/members/{one.person_id}", {"state": "disabled"})
        is_problem(await one.get("/conversations"), 401, "unauthenticated")
        is_problem(await one.me(), 401, "unauthenticated")
        is_problem(await refresh(api, one.told), 401, "unauthenticated")
        is_problem(await login(api, one.email), 401, "invalid_credentials")
    is_problem(await api.get("/api/v1/me", headers={"X-API-Key": key}), 401, "unauthenticated")
    await olive.send("PATCH", f"/members/{agent.person_id}", {"state": "active"})
    assert (await agent.get("/conversations")).status_code == 200


async def test_a_new_role_counts_at_once(olive: Person) -> None:
    agent = await olive.invites("agent")
    is_problem(await agent.get("/api-keys"), 403, "not_permitted")
    await olive.send("PATCH", f"/members/{agent.person_id}", {"role": "admin"})
    assert (await agent.get("/api-keys")).status_code == 200


# --- invitations ---


async def test_one_account_in_two_workspaces(api: Api, olive: Person) -> None:
    """Disabled in one, they are still in the other, and the one is not there for them."""
    other = await register(api)
    made = await other.send("POST", "/invitations", {"email": olive.email.upper(), "role": "viewer"})
    body = {"token": made.json()["token"], "password": GOOD}
    look = await api.post(f"{AUTH}/invitations/look", json={"token": made.json()["token"]})
    assert (look.json()["has_account"], look.json()["role"]) == (True, "viewer")
    is_problem(
        await api.post(f"{AUTH}/invitations/accept", json=body | {"password": "not the password"}),
        401, "invalid_credentials",
    )  # fmt: skip
    came = (await api.post(f"{AUTH}/invitations/accept", json=body)).json()
    roles = {place["id"]: place["role"] for place in came["workspaces"]}
    assert roles == {olive.workspace: "owner", other.workspace: "viewer"}
    there = f"/api/v1/workspaces/{other.workspace}"
    assert (await api.get(f"{there}/members", headers=bearer(came))).status_code == 200
    refused = await api.patch(there, headers=bearer(came), json={"name": "Mine"})
    is_problem(refused, 403, "not_permitted")
    person = next(place["person_id"] for place in came["workspaces"] if place["id"] == other.workspace)
    await other.send("PATCH", f"/members/{person}", {"state": "disabled"})
    is_problem(await api.get(f"{there}/members", headers=bearer(came)), 404, "not_found")
    assert (await api.get(olive.path("/members"), headers=bearer(came))).status_code == 200


async def test_an_invitation_is_good_once(api: Api, adam: Person) -> None:
    made = (await adam.send("POST", "/invitations", {"email": new_email()})).json()
    body = {"token": made["token"], "password": GOOD, "name": "Iris"}
    assert made["accept_url"].endswith("/api/v1/auth/invitations/accept")
    is_problem(
        await api.post(f"{AUTH}/invitations/accept", json=body | {"password": "iris"}),
        422, "weak_password", "/password",
    )  # fmt: skip
    answers = await together(*(api.post(f"{AUTH}/invitations/accept", json=body) for _ in range(3)))
    assert [answer.status_code for answer in answers].count(201) == 1
    is_problem(await api.post(f"{AUTH}/invitations/accept", json=body), 409, "invitation_accepted")
    is_problem(await adam.send("DELETE", f"/invitations/{made['id']}"), 409, "invitation_accepted")
    shown = (await adam.get(f"/invitations/{made['id']}")).json()
    assert (shown["state"], "token" in shown) == ("accepted", False)


async def test_invitations_that_are_over(api: Api, olive: Person, owner: Owner) -> None:
    email = new_email()
    first, second, third = [
        (await olive.send("POST", "/invitations", {"email": email})).json() for _ in range(3)
    ]
    is_problem(await _accept(api, first["token"]), 409, "invitation_revoked")
    assert (await olive.send("DELETE", f"/invitations/{third['id']}")).json()["state"] == "revoked"
    is_problem(await _accept(api, third["token"]), 409, "invitation_revoked")
    fresh = (await olive.send("POST", "/invitations", {"email": email})).json()
    await owner.execute("update invitation set expires_at = now() where id = %s", (fresh["id"],))
    is_problem(await _accept(api, fresh["token"]), 409, "invitation_expired")
    for token in (
        "x",
        "fdi_",
        second["token"][:-1],
        first["token"].replace(first["id"].replace("-", ""), "0" * 32),
    ):
        is_problem(await _accept(api, token), 404, "invitation_invalid")


async def _accept(api: Api, token: str) -> Any:
    return await api.post(f"{AUTH}/invitations/accept", json={"token": token, "password": GOOD})


async def test_who_invites_whom(olive: Person, adam: Person) -> None:
    wish = {"email": new_email(), "role": "owner"}
    is_problem(await adam.send("POST", "/invitations", wish), 403, "not_permitted")
    assert (await olive.send("POST", "/invitations", wish)).status_code == 201
    is_problem(await adam.send("POST", "/invitations", {"email": olive.email}), 409, "already_member")


async def test_an_admin_cannot_bring_an_owner_down_by_inviting_them(
    rt: Runtime, api: Api, business: Business
) -> None:
    """The owner of this business was made from the command line, without an account."""
    wish = {"email": "owner@cedar.test", "role": "viewer"}
    answer = await api.post(business.path("/invitations"), headers=business.key("admin"), json=wish)
    is_problem(answer, 409, "already_member")


# --- keys ---


async def test_a_key_is_shown_once(api: Api, adam: Person) -> None:
    made = (
        await adam.send("POST", "/api-keys", {"name": "website", "role": "agent", "scopes": ["read"]})
    ).json()
    shown = (await adam.get(f"/api-keys/{made['id']}")).json()
    assert shown == {name: value for name, value in made.items() if name != "key"}
    assert made["key"].startswith(f"fd_{made['prefix']}_")
    assert made["key"] not in (await adam.get("/api-keys")).text
    me = (await api.get("/api/v1/me", headers={"X-API-Key": made["key"]})).json()
    assert (me["role"], me["scopes"], me["person_id"]) == ("agent", ["read"], adam.person_id)
    for _ in range(2):
        assert (await adam.send("DELETE", f"/api-keys/{made['id']}")).json()["revoked_at"]
    is_problem(await api.get("/api/v1/me", headers={"X-API-Key": made["key"]}), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("wish", "status", "pointer"),
    [
        ({"role": "admin"}, 201, ""),
        ({"role": "owner"}, 403, "/role"),
        ({"scopes": []}, 422, "/scopes"),
        ({"scopes": ["everything"]}, 422, "/scopes/0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "/expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, 422, "/expires_at"),
        ({"name": ""}, 422, "/name"),
    ],
)
async def test_keys_that_an_admin_may_make(
    adam: Person, wish: dict[str, Any], status: int, pointer: str
) -> None:
    answer = await adam.send("POST", "/api-keys", {"name": "website"} | wish)
    assert answer.status_code == status, answer.text
    if status != 201:
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_key_makes_no_mightier_key(api: Api, adam: Person) -> None:
    less = (await adam.send("POST", "/api-keys", {"name": "less", "scopes": ["keys", "read"]})).json()["key"]
    path, headers = adam.path("/api-keys"), {"X-API-Key": less}
    for scopes in (["*"], ["keys", "write"]):
        answer = await api.post(path, headers=headers, json={"name": "more", "scopes": scopes})
        is_problem(answer, 403, "not_permitted", "/scopes")
    assert (await api.post(path, headers=headers, json={"name": "as", "scopes": ["read"]})).status_code == 201


async def test_a_key_expires(api: Api, adam: Person, owner: Owner) -> None:
    at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    made = (await adam.send("POST", "/api-keys", {"name": "short", "expires_at": at})).json()
    assert (await api.get("/api/v1/me", headers={"X-API-Key": made["key"]})).status_code == 200
    await owner.execute("update api_key set expires_at = now() where id = %s", (made["id"],))
    is_problem(await api.get("/api/v1/me", headers={"X-API-Key": made["key"]}), 401, "unauthenticated")


async def test_made_once(adam: Person) -> None:
    for path, wish in (("/api-keys", {"name": "once"}), ("/invitations", {"email": new_email()})):
        first, again = [await adam.send("POST", path, wish, idempotency_key=f"once{path}") for _ in range(2)]
        assert first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"


async def test_pages(api: Api) -> None:
    olive = await register(api)
    for n in range(3):
        await olive.send("POST", "/api-keys", {"name": f"key {n}"})
    for noun in ("api-keys", "members"):
        whole = (await olive.get(f"/{noun}")).json()["items"]
        seen, cursor = [], ""
        while cursor is not None:
            more = {"cursor": cursor} if cursor else {}
            page = (await olive.get(f"/{noun}", params={"limit": 1, **more})).json()
            seen, cursor = seen + page["items"], page["next_cursor"]
        assert seen == whole
