"""Who is asking and whether they may, settled before a request's body is read."""

import contextlib
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.exceptions import HTTPException

from admin_api import limits
from admin_api.limits import Limits
from domain.errors import NotFound, NotPermitted, Rejected, Unauthenticated
from runtime.runtime import Runtime
from store import people, workspaces
from store.db import Tx
from store.people import Caller

_REMEMBERED = 10_000
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Here:
    """An admitted request: who asks, in which workspace."""

    rt: Runtime
    caller: Caller

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        return self.rt.db.transaction(self.caller.workspace_id)


class Doorkeeper:
    def __init__(self, rt: Runtime, counted: Limits) -> None:
        self._rt, self._limits = rt, counted
        self._workspaces: dict[str, UUID] = {}
        """Of keys that were valid once: a key never moves to another workspace."""

    async def admit(self, request: Request) -> Here:
        """Key, rate, workspace and role, in this order: a stranger learns nothing of what exists."""
        caller, slug = await self._identify(request)
        allowed, window = await self._limits.take("key", str(caller.key_id))
        request.state.headers.update(window.headers)
        if not allowed:
            raise limits.too_many(window)
        _check_workspace(request.path_params.get("ws"), caller.workspace_id, slug)
        _check_rights(request.method, caller)
        return Here(self._rt, caller)

    async def _identify(self, request: Request) -> tuple[Caller, str]:
        sent = _key_sent(request)
        if sent is None:
            raise Unauthenticated("send a key: X-API-Key, or Authorization: Bearer fd_…")
        key = people.read_key(sent)
        found = await self._find(*key) if key else None
        if found is not None:
            return found
        allowed, window = await self._limits.take("failed", request.client.host if request.client else "")
        if not allowed:
            raise limits.too_many(window)
        raise Unauthenticated("this key is not valid")

    async def _find(self, prefix: str, secret: str) -> tuple[Caller, str] | None:
        workspace_id = self._workspaces.get(prefix)
        if workspace_id is None:
            async with self._rt.db.dispatch() as dispatch:
                workspace_id = await people.workspace_of_key(dispatch, prefix)
        if workspace_id is None:
            return None
        async with self._rt.db.transaction(workspace_id) as tx:
            caller = await people.caller(tx, prefix, secret)
            if caller is None:
                return None
            if len(self._workspaces) < _REMEMBERED:
                self._workspaces[prefix] = workspace_id
            return caller, (await workspaces.get(tx)).slug


def _key_sent(request: Request) -> str | None:
    key = request.headers.get("x-api-key", "").strip()
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if not key and scheme.lower() == "bearer":
        key = token.strip()
    return key[:_LONGEST_KEY] if key.isascii() and key.isprintable() and key else None


def _check_workspace(asked: str | None, own: UUID, slug: str) -> None:
    """`asked` is None where the address names no workspace. Another workspace is not there at all."""
    if asked is None or asked == slug:
        return
    with contextlib.suppress(ValueError):
        if UUID(asked) == own:
            return
    raise NotFound("there is no such workspace here")


def _check_rights(method: str, caller: Caller) -> None:
    if not {"*", "read"} & set(caller.scopes):
        raise NotPermitted("this key may not read")
    if method == "GET":
        return
    if "*" not in caller.scopes:
        raise NotPermitted("this key may only read")
    if caller.role not in ("agent", "admin", "owner"):
        raise NotPermitted(f"a {caller.role} may only read")


class Guarded(APIRoute):
    """A route behind the doorkeeper. The framework reads the body before it looks at dependencies, so the door
    stands before both."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            request.state.here = await request.app.state.doorkeeper.admit(request)
            _check_media_type(request)
            return await inner(request)

        return handle


def _check_media_type(request: Request) -> None:
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and has_body and kind != "application/json":
        raise WrongMediaType("send application/json")


class WrongMediaType(Rejected):
    """The body is not JSON, by its own account."""

    code, http_status = "unsupported_media_type", 415


_API_KEY = APIKeyHeader(name="X-API-Key", scheme_name="key", auto_error=False)
_BEARER = HTTPBearer(scheme_name="bearer", auto_error=False, description="The same key, as a bearer token.")


async def _here(
    request: Request, key: Annotated[Any, Security(_API_KEY)], bearer: Annotated[Any, Security(_BEARER)]
) -> Here:
    """What the doorkeeper found; the two parameters only tell the OpenAPI document how keys are sent."""
    here = getattr(request.state, "here", None)
    if not isinstance(here, Here):
        raise HTTPException(500)  # a router without route_class=Guarded
    return here


async def _named(ws: Annotated[str, Path(description="The workspace's id or slug.")]) -> None:
    """Tells the OpenAPI document about {ws}."""


Admitted = Annotated[Here, Depends(_here)]
IN_WORKSPACE = [Depends(_named)]
