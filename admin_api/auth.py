"""Who is asking and whether they may, settled before a request's body is read.

A new router says what its routes ask for (`admin_api.rights`), and that is all it has to do:

    router = APIRouter(prefix="/rules", route_class=auth.guarded(write=Right.CONFIGURE), tags=["rules"])

`Guarded` alone means: GET needs `read`, everything else `write`. One route that differs says so below its address:

    @router.post("/{contact_id}/erase")
    @auth.needs(Right.ERASE)
    async def erase(here: Admitted, contact_id: UUID) -> …

A route that nobody need be signed in for has `route_class=auth.Open`. The OpenAPI document carries every route's right
as `x-right`; tests/admin_api/test_rights.py tries every role and scope on every route that is in it.
"""

import contextlib
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from fastapi import Depends, Path, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.exceptions import HTTPException

from admin_api import limits, rights, tokens
from admin_api.limits import Limits
from admin_api.rights import Right
from admin_api.tokens import Claims
from domain.errors import NotFound, NotPermitted, Rejected, Unauthenticated
from runtime.runtime import Runtime
from store import accounts, people, workspaces
from store.accounts import Membership
from store.db import Tx
from store.people import Caller

_REMEMBERED = 10_000
_LONGEST_KEY, _LONGEST_TOKEN = 200, 2_000
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Here:
    """An admitted request: who asks, in which workspace. Of somebody signed in, when the address names no workspace,
    `caller` is who they are in the one they have been in longest; `members` are all."""

    rt: Runtime
    caller: Caller
    claims: Claims | None = None
    """Of the access token; None for a key."""
    members: tuple[Membership, ...] = ()

    @property
    def role(self) -> str:
        """What counts: the weaker of the key's and its person's."""
        return effective_role(self.caller)

    def may(self, right: Right) -> bool:
        return rights.may(self.role, self.caller.scopes, right)

    def person(self) -> UUID:
        """Raise NotPermitted for a key that stands for nobody."""
        if self.caller.person_id is None:
            raise NotPermitted("this key stands for no person; use one that does, or sign in")
        return self.caller.person_id

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        return self.rt.db.transaction(self.caller.workspace_id)


class Doorkeeper:
    def __init__(self, rt: Runtime, counted: Limits) -> None:
        self._rt, self._limits = rt, counted
        self._workspaces: dict[str, UUID] = {}
        """Of keys that were valid once: a key never moves to another workspace."""
        self._signing_keys: Mapping[str, bytes] | None = None

    async def admit(self, request: Request, right: Right = Right.READ) -> Here:
        """Key or token, rate, workspace and right, in this order: a stranger learns nothing of what exists."""
        asked = request.path_params.get("ws")
        sent = _sent(request)
        if sent is not None and not sent.startswith("fd_") and sent.count(".") == 2:
            here = await self._signed_in(request, sent, asked)
        else:
            here = await self._by_key(request, sent, asked)
        if not here.may(right):
            raise _not_permitted(here, right)
        return here

    async def count(self, request: Request, kind: str, who: str) -> None:
        """One more; its headers go out with the answer. Raise TooMany."""
        allowed, window = await self._limits.take(kind, who)
        request.state.headers.update(window.headers)
        if not allowed:
            raise limits.too_many(window)

    async def _by_key(self, request: Request, sent: str | None, asked: str | None) -> Here:
        if sent is None:
            raise Unauthenticated("send a key (X-API-Key) or an access token (Authorization: Bearer)")
        key = people.read_key(sent)
        found = await self._find(*key) if key else None
        if found is None:
            raise await self._failed(request, Unauthenticated("this key is not valid"))
        caller, slug = found
        await self.count(request, "key", str(caller.key_id))
        _check_workspace(asked, caller.workspace_id, slug)
        return Here(self._rt, caller)

    async def _signed_in(self, request: Request, token: str, asked: str | None) -> Here:
        """The token's signature and age, and then whether its session, its account and its person still stand."""
        async with self._rt.db.accounts() as found:
            try:
                claims = tokens.read(self._signing, token, found.now)
            except Unauthenticated as error:
                wrong: Unauthenticated | None = error
            else:
                wrong = None
                session = (claims.session_id, claims.account_id, claims.token_version)
                stands = await accounts.stands(found, *session)
                members = await accounts.memberships(found, claims.account_id) if stands else ()
        if wrong is not None:
            raise wrong if wrong.code == "token_expired" else await self._failed(request, wrong)
        if not members:
            raise Unauthenticated("this token is no longer valid; sign in again")
        await self.count(request, "account", str(claims.account_id))
        one = _member(members, asked)
        caller = Caller(one.workspace_id, None, one.person_id, one.role, (rights.EVERYTHING,))
        return Here(self._rt, caller, claims, members)

    async def _failed(self, request: Request, error: Unauthenticated) -> Rejected:
        """Whoever guesses is counted by address; what counts says nothing about what exists."""
        allowed, window = await self._limits.take("failed", address(request))
        return error if allowed else limits.too_many(window)

    @property
    def _signing(self) -> Mapping[str, bytes]:
        if self._signing_keys is None:
            self._signing_keys = self._rt.db.keyring.derived(tokens.PURPOSE)
        return self._signing_keys

    def sign(self, claims: Claims) -> str:
        return tokens.issue(self._signing, claims)

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


def _sent(request: Request) -> str | None:
    """A key or a token."""
    key = request.headers.get("x-api-key", "").strip()[:_LONGEST_KEY]
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if not key and scheme.lower() == "bearer":
        key = token.strip()[:_LONGEST_TOKEN]
    return key if key.isascii() and key.isprintable() and key else None


def address(request: Request) -> str:
    return request.client.host if request.client else ""


def effective_role(caller: Caller) -> str:
    return rights.lesser(caller.role, caller.own_role) if caller.own_role else caller.role


def _member(members: tuple[Membership, ...], asked: str | None) -> Membership:
    """Where they are not, there is nothing."""
    if asked is None:
        return members[0]
    for one in members:
        if asked == one.slug or asked.lower() == str(one.workspace_id):
            return one
    raise NotFound("there is no such workspace here")


def _check_workspace(asked: str | None, own: UUID, slug: str) -> None:
    """`asked` is None where the address names no workspace. Another workspace is not there at all."""
    if asked is None or asked == slug:
        return
    with contextlib.suppress(ValueError):
        if UUID(asked) == own:
            return
    raise NotFound("there is no such workspace here")


def _not_permitted(here: Here, right: Right) -> NotPermitted:
    if not rights.may(here.role, (rights.EVERYTHING,), right):
        return NotPermitted(f"this needs the right {right}, which a {here.role} does not have")
    return NotPermitted(f"this needs the right {right}, which is not in this key's scopes")


class Guarded(APIRoute):
    """A route behind the doorkeeper. The framework reads the body before it looks at dependencies, so the door
    stands before both."""

    read: ClassVar[Right] = Right.READ
    write: ClassVar[Right] = Right.WRITE
    accepts: ClassVar[frozenset[str]] = frozenset({"application/json", "application/merge-patch+json"})
    """Media types of a body."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        only_reads = set(options.get("methods") or ["GET"]) <= {"GET", "HEAD"}
        said: Right | None = getattr(endpoint, "needs", None)
        self.right = said or (self.read if only_reads else self.write)
        options["openapi_extra"] = (options.get("openapi_extra") or {}) | {"x-right": str(self.right)}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            request.state.here = await request.app.state.doorkeeper.admit(request, self.right)
            _check_media_type(request, self.accepts)
            return await inner(request)

        return handle


def guarded(
    *, read: Right = Right.READ, write: Right = Right.WRITE, accepts: frozenset[str] = Guarded.accepts
) -> type[Guarded]:
    """A `route_class` for routers whose routes ask for something else."""
    return type("Guarded", (Guarded,), {"read": read, "write": write, "accepts": accepts})


def needs(right: Right) -> Callable[[_Endpoint], _Endpoint]:
    """For one route; stands below its address, so that it is there when the route is made."""

    def mark(endpoint: _Endpoint) -> _Endpoint:
        endpoint.needs = right  # type: ignore[attr-defined]
        return endpoint

    return mark


class Open(APIRoute):
    """A route for whoever is not signed in yet; counted by address."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        options["openapi_extra"] = (options.get("openapi_extra") or {}) | {"security": []}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            await request.app.state.doorkeeper.count(request, "open", address(request))
            _check_media_type(request, Guarded.accepts)
            return await inner(request)

        return handle


def _check_media_type(request: Request, accepts: frozenset[str]) -> None:
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "GET" and has_body and kind not in accepts:
        raise WrongMediaType(f"send {' or '.join(sorted(accepts))}")


class WrongMediaType(Rejected):
    """The body is not JSON, by its own account."""

    code, http_status = "unsupported_media_type", 415


_API_KEY = APIKeyHeader(name="X-API-Key", scheme_name="key", auto_error=False)
_BEARER = HTTPBearer(scheme_name="bearer", auto_error=False, description="An access token, or a key.")


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
