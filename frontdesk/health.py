"""What watchers of a process ask: is it alive, may it get work, how is it doing."""

import hmac

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from runtime import telemetry
from runtime.runtime import Runtime
from store import installation, migrate
from store.db import UNAVAILABLE


def routes(rt: Runtime) -> list[BaseRoute]:
    async def alive(request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(request: Request) -> Response:
        checks = {"database": await _database(rt), "redis": await rt.wake.state()}
        fine = checks["database"] == "ok"  # without Redis work is found by polling: slower, not lost
        return JSONResponse({"status": "ready" if fine else "not ready", **checks}, 200 if fine else 503)

    async def metrics(request: Request) -> Response:
        if (token := rt.settings.metrics_token) and not _brings(request, token):
            return Response("a bearer token is needed: FRONTDESK_METRICS_TOKEN\n", 401)
        return Response(await telemetry.scrape(rt), media_type=telemetry.CONTENT_TYPE)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


def create_app(rt: Runtime) -> Starlette:
    """For processes that have no other door."""
    return Starlette(routes=routes(rt))


def _brings(request: Request, token: str) -> bool:
    said = request.headers.get("authorization", "")
    return hmac.compare_digest(said.encode(), f"Bearer {token}".encode())


async def _database(rt: Runtime) -> str:
    try:
        async with rt.db.dispatch() as dispatch:
            revision = await migrate.current(dispatch.db)
            if not migrate.is_new_enough(revision):
                return f"at revision {revision}, needs {migrate.newest()}: run frontdesk migrate"
            await installation.check(dispatch)
    except UNAVAILABLE as error:
        return f"unreachable ({type(error).__name__})"
    except installation.Restored as error:
        return str(error)
    return "ok"
