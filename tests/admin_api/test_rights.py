"""Every route of the OpenAPI document × every role and every scope, as the matrix says."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

import admin_api.app
from admin_api import auth, rights
from admin_api.rights import ROLES, SCOPES, Right
from runtime.runtime import Runtime
from store import people
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, is_problem

Operation = tuple[str, str, Right | None]


@pytest.fixture(scope="module")
def operations(rt: Runtime) -> list[Operation]:
    return list(_operations(admin_api.app.create(rt).openapi()))


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            right = operation.get("x-right")
            yield method.upper(), path, Right(right) if right else None


async def ask(api: Api, business: Business, operation: Operation, headers: dict[str, str]) -> httpx2.Response:
    """About things that are not there, so that nothing changes."""
    method, path, _ = operation
    address = path.replace("{ws}", business.slug)
    address = "/api/v1" + re.sub(r"\{\w+\}", lambda _: str(new_id()), address)
    return await api.request(method, address, headers=headers, json={} if method != "GET" else None)


def _refused(answer: httpx2.Response) -> bool:
    return answer.status_code == 403 and answer.json()["detail"].startswith("this needs the right")


def test_every_route_says_what_it_needs(rt: Runtime) -> None:
    """A route class of ours, and in the document the right that its class or its function names."""
    app = admin_api.app.create(rt)
    routes = [one.original_route for one in iter_route_contexts(app.routes)]
    ours = [route for route in routes if isinstance(route, APIRoute)]
    assert len(ours) > 30
    assert [route.path for route in ours if not isinstance(route, auth.Guarded | auth.Open)] == []
    for operations in app.openapi()["paths"].values():
        for operation in operations.values():
            assert ("x-right" in operation) is (operation["security"] != []), operation


def test_only_signing_in_needs_nobody(operations: list[Operation]) -> None:
    assert {path for _, path, right in operations if right is None} == {
        "/auth/register", "/auth/login", "/auth/refresh", "/auth/logout",
        "/auth/invitations/look", "/auth/invitations/accept",
    }  # fmt: skip


def test_what_changes_something_needs_more_than_reading(operations: list[Operation]) -> None:
    writing = [
        (method, path) for method, path, right in operations if method != "GET" and right is Right.READ
    ]
    assert [one for one in writing if not one[1].endswith(("/test", "/search", "/replay"))] == []


@pytest.mark.parametrize("role", ROLES)
async def test_roles(api: Api, business: Business, operations: list[Operation], role: str) -> None:
    wrong = []
    for operation in operations:
        if (right := operation[2]) is None:
            continue
        answer = await ask(api, business, operation, business.key(role))
        assert answer.status_code not in (401, 500), (operation, answer.text)
        if _refused(answer) is (right in ROLES[role]):
            wrong.append((*operation, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("scope", [*SCOPES, "nonsense"])
async def test_scopes(
    api: Api, rt: Runtime, business: Business, operations: list[Operation], scope: str
) -> None:
    """Of an owner's key."""
    async with rt.db.transaction(business.id) as tx:
        key = await people.add_key(tx, scope, business.persons["owner"], (scope,))
    wrong = []
    for operation in operations:
        if (right := operation[2]) is None:
            continue
        answer = await ask(api, business, operation, {"X-API-Key": key})
        if _refused(answer) is (scope in ("*", right)):
            wrong.append((*operation, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("own", ROLES)
async def test_a_key_may_what_the_weaker_of_its_roles_may(
    api: Api, rt: Runtime, business: Business, role: str, own: str
) -> None:
    async with rt.db.transaction(business.id) as tx:
        key = await people.add_key(tx, "weaker", business.persons[role], ("*",), role=own)
    said = await api.get("/api/v1/me", headers={"X-API-Key": key})
    weaker = min(role, own, key=tuple(ROLES).index)
    assert said.json()["role"] == weaker
    answer = await api.post(business.path("/invitations"), headers={"X-API-Key": key}, json={})
    if rights.may(weaker, ("*",), Right.PEOPLE):
        is_problem(answer, 422, "invalid", "/email")
    else:
        is_problem(answer, 403, "not_permitted")


def test_every_role_has_all_that_the_one_before_has() -> None:
    held = list(ROLES.values())
    assert all(less < more for less, more in pairwise(held))
    assert held[-1] == set(Right)
