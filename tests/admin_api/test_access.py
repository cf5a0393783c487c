"""The routes of conversations and drafts × every kind of key × somebody else's ids. Rights: test_rights."""

from uuid import UUID

import httpx2
import pytest

import admin_api.app
from runtime.runtime import Runtime
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, is_problem

ROUTES = [
    ("GET", "/me"),
    ("GET", "/workspaces/{ws}/conversations"),
    ("GET", "/workspaces/{ws}/conversations/{conversation_id}"),
    ("GET", "/workspaces/{ws}/conversations/{conversation_id}/messages"),
    ("POST", "/workspaces/{ws}/conversations/{conversation_id}/messages"),
    ("POST", "/workspaces/{ws}/conversations/{conversation_id}/takeover"),
    ("POST", "/workspaces/{ws}/conversations/{conversation_id}/release"),
    ("POST", "/workspaces/{ws}/conversations/{conversation_id}/close"),
    ("GET", "/workspaces/{ws}/conversations/{conversation_id}/turns"),
    ("GET", "/workspaces/{ws}/drafts"),
    ("GET", "/workspaces/{ws}/drafts/{draft_id}"),
    ("POST", "/workspaces/{ws}/drafts/{draft_id}/approve"),
    ("POST", "/workspaces/{ws}/drafts/{draft_id}/reject"),
    ("GET", "/workspaces/{ws}/conversations/{conversation_id}/contexts"),
]
IN_WORKSPACE = [route for route in ROUTES if "{ws}" in route[1]]
WITH_ID = [route for route in ROUTES if "_id}" in route[1]]
WRITES = [route for route in ROUTES if route[0] == "POST"]


class Ours:
    """One conversation with one draft, and the addresses of both."""

    def __init__(self, business: Business, conversation_id: UUID, draft_id: UUID) -> None:
        self.business, self.conversation_id, self.draft_id = business, conversation_id, draft_id

    def path(self, path: str, ws: object = None, conversation: object = None, draft: object = None) -> str:
        return "/api/v1" + path.format(
            ws=ws or self.business.id,
            conversation_id=conversation or self.conversation_id,
            draft_id=draft or self.draft_id,
        )


async def _ours(business: Business) -> Ours:
    customer = await business.customer()
    return Ours(business, customer.conversation_id, await customer.draft())


@pytest.fixture
async def ours(business: Business) -> Ours:
    return await _ours(business)


@pytest.fixture
async def theirs(other: Business) -> Ours:
    return await _ours(other)


async def ask(api: Api, method: str, path: str, headers: dict[str, str]) -> httpx2.Response:
    body = {"text": "Good morning"} if path.endswith("/messages") else {}
    return await api.request(method, path, headers=headers, json=body if method == "POST" else None)


def test_the_table_is_complete(rt: Runtime) -> None:
    document = admin_api.app.create(rt).openapi()
    there = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    nouns = ("/workspaces/{ws}/conversations", "/workspaces/{ws}/drafts")
    here = {one for one in there if one[1].startswith(nouns) and "/attachments/" not in one[1]}
    assert here <= set(ROUTES) <= there


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_a_valid_key_nothing(api: Api, ours: Ours, method: str, path: str) -> None:
    keys = ours.business.keys
    for headers in (
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "fd_nonsense"},
        {"X-API-Key": keys["agent"][:-1]},
        {"X-API-Key": keys["agent"].replace("_", "-")},
        {"X-API-Key": _other_secret(keys["agent"])},
        {"X-API-Key": keys["expired"]},
        {"X-API-Key": keys["revoked"]},
        {"X-API-Key": "ключ".encode()},
        {"Authorization": f"Basic {keys['agent']}"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {keys['revoked']}"},
    ):
        answer = await ask(api, method, ours.path(path), headers)
        is_problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert "ratelimit-limit" not in answer.headers


def _other_secret(key: str) -> str:
    """Well formed, with a right checksum and a known prefix, and still wrong."""
    from store import people

    _, prefix, secret = key.split("_")
    wrong = secret[:-6][::-1]
    return f"fd_{prefix}_{wrong}{people._checksum(prefix, wrong)}"


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("kind", ["viewer", "reader"])
async def test_who_may_only_read_only_reads(api: Api, ours: Ours, method: str, path: str, kind: str) -> None:
    answer = await ask(api, method, ours.path(path), ours.business.key(kind))
    if method == "GET":
        assert answer.status_code == 200
    else:
        is_problem(answer, 403, "not_permitted")


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_key_without_scopes_may_nothing(api: Api, ours: Ours, method: str, path: str) -> None:
    is_problem(await ask(api, method, ours.path(path), ours.business.key("nothing")), 403, "not_permitted")


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("kind", ["agent", "admin", "owner", "program"])
async def test_who_may_write_writes(api: Api, ours: Ours, method: str, path: str, kind: str) -> None:
    answer = await ask(api, method, ours.path(path), ours.business.key(kind))
    assert answer.status_code in (200, 201), answer.text


@pytest.mark.parametrize(("method", "path"), IN_WORKSPACE)
async def test_a_workspace_goes_by_its_slug_too(api: Api, ours: Ours, method: str, path: str) -> None:
    for ws in (ours.business.slug, str(ours.business.id).upper()):
        fresh = await _ours(ours.business)
        answer = await ask(api, method, fresh.path(path, ws=ws), ours.business.key())
        assert answer.status_code in (200, 201), answer.text


@pytest.mark.parametrize(("method", "path"), IN_WORKSPACE)
async def test_another_workspace_is_not_there(
    api: Api, ours: Ours, theirs: Ours, method: str, path: str
) -> None:
    """Not with its id, not with its slug, not with its things, not with one that does not exist."""
    key = ours.business.key("owner")
    addresses = [
        theirs.path(path),
        theirs.path(path, ws=theirs.business.slug),
        ours.path(path, ws=theirs.business.id),
        ours.path(path, ws=new_id()),
        ours.path(path, ws="no-such-slug"),
        ours.path(path, ws="%00"),
    ]
    answers = [await ask(api, method, address, key) for address in addresses]
    for answer in answers:
        is_problem(answer, 404, "not_found")
    assert len({answer.json()["detail"] for answer in answers}) == 1


@pytest.mark.parametrize(("method", "path"), WITH_ID)
async def test_somebody_elses_ids_are_not_there(
    api: Api, ours: Ours, theirs: Ours, method: str, path: str
) -> None:
    for conversation, draft in (
        (theirs.conversation_id, theirs.draft_id),
        (new_id(), new_id()),
        ("nonsense", "nonsense"),
        (ours.draft_id, ours.conversation_id),
    ):
        address = ours.path(path, conversation=conversation, draft=draft)
        is_problem(await ask(api, method, address, ours.business.key("owner")), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_a_stranger_changes_nothing(api: Api, ours: Ours, theirs: Ours, method: str, path: str) -> None:
    key = theirs.business.key()
    before = [(await api.get(theirs.path(look), headers=key)).json() for look in _LOOK]
    await ask(api, method, theirs.path(path, ws=ours.business.id), ours.business.key("owner"))
    await ask(api, method, theirs.path(path), ours.business.key("owner"))
    await ask(api, method, theirs.path(path), theirs.business.key("viewer"))
    assert before == [(await api.get(theirs.path(look), headers=key)).json() for look in _LOOK]


_LOOK = [path for method, path in WITH_ID if method == "GET"]


async def test_lists_hold_only_ones_own(api: Api, ours: Ours, theirs: Ours) -> None:
    for noun, there in (("conversations", theirs.conversation_id), ("drafts", theirs.draft_id)):
        answer = await api.get(ours.business.path(f"/{noun}?limit=200"), headers=ours.business.key())
        assert str(there) not in answer.text
    theirs_drafts = ours.business.path(f"/drafts?conversation={theirs.conversation_id}")
    assert (await api.get(theirs_drafts, headers=ours.business.key())).json()["items"] == []


async def test_a_bearer_token_is_the_same_key(api: Api, business: Business) -> None:
    for scheme in ("Bearer", "bearer"):
        answer = await api.get("/api/v1/me", headers={"Authorization": f"{scheme} {business.keys['agent']}"})
        assert answer.status_code == 200


async def test_me(api: Api, business: Business) -> None:
    me = (await api.get("/api/v1/me", headers=business.key("agent"))).json()
    assert me["role"] == "agent"
    assert me["person_id"] == str(business.persons["agent"])
    assert me["scopes"] == ["*"]
    assert me["workspace"] == {
        "id": str(business.id),
        "slug": business.slug,
        "name": "Cedar Dental",
        "timezone": "America/Chicago",
        "role": "agent",
        "person_id": str(business.persons["agent"]),
        "person_name": "Agent",
    }
    assert me["workspaces"] == [me["workspace"]]
    assert me["account"] is None
    assert business.keys["agent"].split("_")[2] not in str(me)


async def test_a_key_stops_when_it_is_revoked_or_its_person_disabled(
    api: Api, rt: Runtime, open_business
) -> None:
    """Also in a process that has seen it a moment ago."""
    from sqlalchemy import text

    from store import people

    fresh: Business = await open_business()
    for kind in ("agent", "admin"):
        assert (await api.get("/api/v1/me", headers=fresh.key(kind))).status_code == 200
    async with rt.db.transaction(fresh.id) as tx:
        await people.revoke_keys_named(tx, "agent")
        await tx.execute(
            text("update person set state = 'disabled' where id = :id"), {"id": fresh.persons["admin"]}
        )
    for kind in ("agent", "admin"):
        is_problem(await api.get("/api/v1/me", headers=fresh.key(kind)), 401, "unauthenticated")
