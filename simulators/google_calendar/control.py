"""What a test, the demo or a person without a Google account says to the simulator: /sim."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.routing import Route

from simulators.common import control
from simulators.common.control import Json, set_chaos
from simulators.google_calendar.oauth import state_of
from simulators.google_calendar.state import Simulation


def routes() -> list[Route]:
    paths = {
        ("GET", "/sim/events"): _shown, ("POST", "/sim/events"): _added, ("POST", "/sim/events/{id}"): _changed,
        ("POST", "/sim/revoke"): _revoked, ("POST", "/sim/chaos"): set_chaos, ("GET", "/sim/requests"): _asked,
    }  # fmt: skip
    return [control.route(method, path, handler, state_of) for (method, path), handler in paths.items()]


async def _shown(here: Simulation, request: Request, body: Json) -> Json:
    return {"events": here.there(request.query_params["account"])}


async def _added(here: Simulation, request: Request, body: Json) -> Json:
    """{account, start, end, …}: whatever else an event has."""
    start, end = (datetime.fromisoformat(body.pop(name)) for name in ("start", "end"))
    return here.add_event(body.pop("account"), start, end, **body)


async def _changed(here: Simulation, request: Request, body: Json) -> Json:
    """{account, …}: these fields; `start` and `end` as Google has them; `status: cancelled` deletes."""
    return here.change_event(body.pop("account"), request.path_params["id"], **body)


async def _revoked(here: Simulation, request: Request, body: Json) -> Json:
    here.revoke(body["account"])
    here.expire_access()
    return {}


async def _asked(here: Simulation, request: Request, body: Json) -> Json:
    return {"requests": here.requests[-200:], "pushes": here.pushes[-200:]}
