"""What a test, the demo or a person without an account says to the simulator: /sim."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from simulators.common import control
from simulators.common.control import Json, set_chaos
from simulators.gohighlevel.state import Simulation


def routes() -> list[Route]:
    paths = {
        ("GET", "/sim/contacts"): _shown, ("POST", "/sim/contacts"): _added, ("POST", "/sim/contacts/{id}"): _changed,
        ("POST", "/sim/revoke"): _revoked, ("POST", "/sim/chaos"): set_chaos, ("POST", "/sim/webhook"): _hooked,
    }  # fmt: skip
    return [control.route(method, path, handler, _state) for (method, path), handler in paths.items()]


def _state(request: Request) -> Simulation:
    found: Simulation = request.app.state.simulation
    return found


async def _shown(here: Simulation, request: Request, body: Json) -> Json:
    return {"contacts": [here.shown(one) | {"notes": one.notes} for one in here.contacts.values()]}


async def _added(here: Simulation, request: Request, body: Json) -> Json:
    """{tags, phone, email, name, …, custom_KEY}"""
    made = here.person_adds(tuple(body.pop("tags", ())), **body)
    await here.deliver()
    return here.shown(made)


async def _changed(here: Simulation, request: Request, body: Json) -> Json:
    """The same; `add_tags` and `remove_tags`; `dnd: true`; `delete: true`."""
    name = request.path_params["id"]
    if body.pop("delete", False):
        here.person_deletes(name)
    elif body.pop("dnd", False):
        here.person_stops(name)
    elif add := tuple(body.pop("add_tags", ())):
        here.person_tags(name, add)
    elif remove := tuple(body.pop("remove_tags", ())):
        here.person_tags(name, (), remove)
    else:
        here.person_sets(name, **body)
    return {"webhooks": await here.deliver()}


async def _revoked(here: Simulation, request: Request, body: Json) -> Json:
    """{token}: another one counts from now on; without it, none."""
    here.tokens = {body["token"]} if body.get("token") else set()
    return {}


async def _hooked(here: Simulation, request: Request, body: Json) -> Json:
    """{url, times, reorder}"""
    here.hook_url = body["url"]
    here.hook_times, here.hook_reorder = int(body.get("times", 1)), bool(body.get("reorder"))
    return {"key": here.public_key}
