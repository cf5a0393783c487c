"""The admin API put together: doors, problems, limits, and the document that describes it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import WebSocketRoute

from admin_api import (
    analytics,
    attachments,
    audit,
    banks,
    booking,
    calendars,
    callbacks,
    channels,
    contacts,
    context_history,
    context_schemas,
    contexts,
    conversations,
    costs,
    crm,
    docs,
    documents,
    drafts,
    examples,
    feeds,
    files,
    keys,
    listings,
    me,
    members,
    moneys,
    notifications,
    packages,
    payments,
    portfolios,
    problems,
    rule_replay,
    rules,
    sign_in,
    suggestions,
    templates,
    waitlist,
    webhooks,
    workspaces,
)
from admin_api.auth import IN_WORKSPACE, Doorkeeper
from admin_api.envelope import Envelope
from admin_api.feed import MOST_SEATS
from admin_api.limits import Limits
from admin_api.live import PATIENCE, Live, Patience
from admin_api.schemas import Problem
from runtime.passwords import Passwords
from runtime.runtime import Runtime

PER_MINUTE = 100
"""Requests of one key, one person, or one address that is not signed in."""

_REFUSALS = {
    400: "The body is not JSON.",
    401: "No valid key or token.",
    403: "The key, or the person, may not do this.",
    404: "There is no such thing in this workspace.",
    409: "Not in a state in which that can be done; `code` says why.",
    412: "`If-Match` names an old version.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "A value is not acceptable; `errors` says which.",
    429: "The rate limit is used up.",
    500: "A mistake of ours.",
    503: "The database is away or busy; nothing was changed.",
}
_ABOUT = (
    "What a business's own programs may do at its front desk: read conversations, answer in them, take them over,"
    " decide about drafts, and see why the assistant said what it said; and what its people set up there."
)
_IN_WORKSPACE = (
    contacts.router, context_schemas.router, contexts.of_conversation, contexts.router,
    context_history.router, suggestions.router, rules.router, rule_replay.router, analytics.router, costs.router,
    audit.router, files.router, webhooks.router,
    booking.catalogue, booking.times, booking.open_times, booking.router, feeds.router,
    calendars.router, waitlist.router, callbacks.router,
    workspaces.one, channels.router, members.router, members.invitations, keys.router, notifications.router,
    notifications.preferences, conversations.router, drafts.router, attachments.router, templates.router,
    moneys.transfers, moneys.orders, moneys.applications, moneys.ledger, banks.router, payments.router,
    portfolios.accounts, portfolios.held,
    documents.router, documents.finding, listings.router, crm.router,
)  # fmt: skip
"""Routers of which every address is below /workspaces/{ws}."""


def create(
    rt: Runtime,
    *,
    per_minute: int = PER_MINUTE,
    patience: Patience = PATIENCE,
    most_followers: int = MOST_SEATS,
    passwords: Passwords | None = None,
) -> FastAPI:
    """To be mounted; the address it is mounted at is read from each request."""
    counted = Limits(rt.settings.redis_url, per_minute)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await live.close()
        await counted.close()
        app.state.passwords.close()

    app = FastAPI(
        title="Frontdesk admin API", version="1", description=_ABOUT, responses=_responses(), redirect_slashes=False,
        docs_url=None, redoc_url=None, generate_unique_id_function=_name, lifespan=lifespan,
    )  # fmt: skip
    app.state.rt, app.state.limits, app.state.passwords = rt, counted, passwords or Passwords()
    doorkeeper = app.state.doorkeeper = Doorkeeper(rt, counted)
    live = Live(rt, doorkeeper, patience, most_followers)
    app.add_middleware(Envelope)
    problems.install(app)
    for router in (sign_in.router, sign_in.signed_in, me.router, workspaces.several, packages.router):
        app.include_router(router)
    for router in _IN_WORKSPACE:
        app.include_router(router, prefix="/workspaces/{ws}", dependencies=IN_WORKSPACE)
    app.router.routes.append(WebSocketRoute("/workspaces/{ws}/events", live.socket))
    app.add_route("/docs", docs.show, include_in_schema=False)
    app.openapi = _described(app)  # type: ignore[method-assign]
    return app


def _responses() -> dict[int | str, dict[str, Any]]:
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"application/problem+json": {"schema": schema}}
    return {status: {"description": said, "content": content} for status, said in _REFUSALS.items()}


def _name(route: APIRoute) -> str:
    """operationId: the noun and the verb, as the function is called."""
    return f"{route.tags[0]}_{route.name}"


def _described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The OpenAPI document, made once, with the schema of problems in it."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = made["components"]["schemas"]
            schemas.update(problem.pop("$defs"))
            schemas["Problem"] = problem
            examples.describe(made)
            app.openapi_schema = made
        return app.openapi_schema

    return describe
