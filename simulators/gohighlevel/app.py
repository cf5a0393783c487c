"""The wire: what GoHighLevel answers, errors and the headers of its rate limit included."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.common.troubled import Provider
from simulators.gohighlevel import control
from simulators.gohighlevel.state import Config, Contact, Json, Simulation, error

Answer = Callable[[Simulation, Request, Json], Response]


def create_app(config: Config | None = None) -> Provider:
    here = Simulation(config or Config())
    one = "/contacts/{id}"
    table: dict[tuple[str, str], Answer] = {
        ("POST", "/contacts/upsert"): _upsert, ("POST", "/contacts/search"): _search,
        ("GET", "/contacts/search/duplicate"): _duplicate, ("GET", one): _get, ("PUT", one): _put,
        ("DELETE", one): _delete, ("POST", f"{one}/tags"): _tag, ("DELETE", f"{one}/tags"): _untag,
        ("GET", f"{one}/notes"): _notes, ("POST", f"{one}/notes"): _note, ("PUT", f"{one}/notes/{{note}}"): _renote,
        ("GET", "/locations/{id}/customFields"): _fields,
    }  # fmt: skip
    routes = [Route(path, _asked(here, answer), methods=[method]) for (method, path), answer in table.items()]
    app = Provider(routes=[*routes, *control.routes()])
    app.simulation = app.state.simulation = here
    return app


def _asked(here: Simulation, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not any(hmac.compare_digest(token, known) for known in here.tokens):
            return error(401, "Invalid JWT")
        if request.headers.get("version") != "2021-07-28":
            return error(401, "version header was not found.")
        headers, allowed = _counted(here)
        if not allowed:
            return error(429, "Too Many Requests", headers)
        body = await request.json() if await request.body() else {}
        response = answer(here, request, body)
        response.headers.update({name: value for name, value in headers.items() if name != "Retry-After"})
        return response

    return endpoint


def _counted(here: Simulation) -> tuple[dict[str, str], bool]:
    """The headers of the rate limit, and whether this call is still within it. The clock is the machine's: a limit is
    about real seconds."""
    import time

    now = time.monotonic()
    while here.calls and here.calls[0] <= now - here.span_s:
        here.calls.popleft()
    allowed = len(here.calls) < here.most and here.daily_left > 0
    if allowed:
        here.calls.append(now)
        here.daily_left -= 1
    else:
        here.refused += 1
    wait = here.calls[0] + here.span_s - now if here.calls and here.daily_left else 0
    return {
        "X-RateLimit-Max": str(here.most), "X-RateLimit-Remaining": str(max(here.most - len(here.calls), 0)),
        "X-RateLimit-Interval-Milliseconds": str(int(here.span_s * 1000)),
        "X-RateLimit-Limit-Daily": str(here.config.daily), "X-RateLimit-Daily-Remaining": str(here.daily_left),
        "Retry-After": str(max(1, round(wait))),
    }, allowed  # fmt: skip


def _contact(here: Simulation, request: Request) -> Contact | None:
    return here.contacts.get(request.path_params["id"])


def _absent() -> Response:
    return error(400, "Contact not found")


def _upsert(here: Simulation, request: Request, body: Json) -> Response:
    if body.get("locationId") != here.config.location:
        return error(403, "The token does not have access to this location.")
    if not body.get("phone") and not body.get("email"):
        return error(422, "phone or email must be given")
    known = here.found(str(body.get("phone") or ""), str(body.get("email") or ""))
    if known is not None:
        here.put(known, body)
    found = known or here.new(body)
    return JSONResponse({"new": known is None, "contact": here.shown(found), "traceId": str(uuid4())}, 201)


def _search(here: Simulation, request: Request, body: Json) -> Response:
    if body.get("locationId") != here.config.location:
        return error(403, "The token does not have access to this location.")
    rows = sorted(here.contacts.values(), key=_place)
    for wanted in body.get("filters") or ():
        if wanted != wanted | {"field": "dateUpdated", "operator": "range"}:
            return error(422, "filters are not understood")
        since = datetime.fromisoformat(wanted["value"]["gte"])
        rows = [one for one in rows if one.updated_at >= since]
    if after := body.get("searchAfter"):
        rows = [one for one in rows if _place(one) > list(after)]
    shown = [here.shown(one) for one in rows[: int(body.get("pageLimit", 20))]]
    return JSONResponse({"contacts": shown, "total": len(rows), "traceId": str(uuid4())})


def _place(one: Contact) -> list[Any]:
    return [int(one.updated_at.timestamp() * 1000), one.id]


def _duplicate(here: Simulation, request: Request, body: Json) -> Response:
    asked = request.query_params
    found = here.found(asked.get("number", ""), asked.get("email", ""))
    return JSONResponse({"contact": here.shown(found) if found else None, "traceId": str(uuid4())})


def _get(here: Simulation, request: Request, body: Json) -> Response:
    found = _contact(here, request)
    return JSONResponse({"contact": here.shown(found)}) if found else _absent()


def _put(here: Simulation, request: Request, body: Json) -> Response:
    found = _contact(here, request)
    if found is None:
        return _absent()
    if "locationId" in body:
        return error(422, "property locationId should not exist")
    here.put(found, body)
    return JSONResponse({"succeded": True, "contact": here.shown(found)})


def _delete(here: Simulation, request: Request, body: Json) -> Response:
    found = _contact(here, request)
    if found is None:
        return _absent()
    here.person_deletes(found.id)
    return JSONResponse({"succeded": True})


def _tag(here: Simulation, request: Request, body: Json) -> Response:
    found = _contact(here, request)
    if found is None:
        return _absent()
    here.person_tags(found.id, add=tuple(body["tags"]))
    return JSONResponse({"tags": found.tags}, 201)


def _untag(here: Simulation, request: Request, body: Json) -> Response:
    found = _contact(here, request)
    if found is None:
        return _absent()
    here.person_tags(found.id, remove=tuple(body["tags"]))
    return JSONResponse({"tags": found.tags})


def _notes(here: Simulation, request: Request, body: Json) -> Response:
    found = _contact(here, request)
    if found is None:
        return _absent()
    return JSONResponse({"notes": [{"id": name, "body": words} for name, words in found.notes.items()]})


def _note(here: Simulation, request: Request, body: Json) -> Response:
    found = _contact(here, request)
    if found is None:
        return _absent()
    if not body.get("body"):
        return error(422, "body should not be empty")
    made = f"n{uuid4().hex[:19]}"
    found.notes[made] = body["body"]
    return JSONResponse({"note": {"id": made, "body": body["body"], "contactId": found.id}}, 201)


def _renote(here: Simulation, request: Request, body: Json) -> Response:
    found, note = _contact(here, request), request.path_params["note"]
    if found is None or note not in found.notes:
        return error(404, "Note not found")
    found.notes[note] = body["body"]
    return JSONResponse({"note": {"id": note, "body": body["body"]}})


def _fields(here: Simulation, request: Request, body: Json) -> Response:
    if request.path_params["id"] != here.config.location:
        return error(403, "The token does not have access to this location.")
    rows: list[dict[str, Any]] = [
        {"id": number, "name": key.title(), "fieldKey": f"contact.{key}", "dataType": "TEXT"}
        for key, number in here.keys.items()
    ]
    return JSONResponse({"customFields": rows})
