"""The doors at which other companies knock: while the database is away they are told to come again, and a body without end
is not read to its end."""

from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from admin_api import calendar_door, crm_door, plaid_door, stripe_door
from runtime.runtime import Runtime
from store.crypto import Keyring
from store.db import Database
from tests.admin_api.api_rig import Api
from tests.rig import NOBODY

Routes = Callable[[Runtime], list[BaseRoute]]

DOORS = [
    (plaid_door.routes, "POST", f"/hooks/plaid/{NOBODY}"),
    (stripe_door.routes, "POST", "/hooks/stripe"),
    (crm_door.routes, "POST", "/hooks/gohighlevel"),
    (calendar_door.routes, "GET", f"/calendars/{NOBODY}/secret.ics"),
    (calendar_door.routes, "POST", f"/calendars/google/push/{NOBODY}/{NOBODY}"),
]


async def knocked(rt: Runtime, routes: Routes, method: str, path: str, body: bytes) -> httpx2.Response:
    keys = replace(rt.settings, plaid=("client", "secret"), stripe_webhook_secrets=("secret",))
    app = Starlette(routes=routes(replace(rt, settings=keys)))
    async with Api(transport=httpx2.ASGITransport(app), base_url="http://testserver") as client:
        headers = {"x-goog-channel-id": str(NOBODY)}
        return await client.request(method, path, content=body, headers=headers)


@pytest.mark.parametrize(("routes", "method", "path"), [door for door in DOORS if door[0] != crm_door.routes])
async def test_the_database_is_away(rt: Runtime, routes: Routes, method: str, path: str) -> None:
    """The CRM's door asks for the signature first, and nobody here can sign for them."""
    away = Database("postgresql://nobody@127.0.0.1:1/none", Keyring(("test-secret-test-secret",)))
    try:
        answer = await knocked(replace(rt, db=away), routes, method, path, b"{}")
    finally:
        await away.close()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("routes", "method", "path"), [door for door in DOORS if door[2].startswith("/hooks")]
)
async def test_a_body_without_end(rt: Runtime, routes: Routes, method: str, path: str) -> None:
    answer = await knocked(rt, routes, method, path, b" " * 3_000_000)
    assert answer.status_code == 413
