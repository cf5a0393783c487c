"""The wire: what Stripe answers, errors and idempotency included; and the page on which somebody pays."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from html import escape
from urllib.parse import parse_qsl
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from simulators.common.troubled import Provider
from simulators.stripe.state import OPEN_FOR, Config, Json, Kept, Session, Simulation, error

Form = dict[str, str]
Answer = Callable[[Simulation, Request, Form], Awaitable[Response]]
INVALID = "invalid_request_error"
_PRICE = "line_items[0][price_data]"
NEEDED = (
    "mode",
    "success_url",
    f"{_PRICE}[currency]",
    f"{_PRICE}[unit_amount]",
    f"{_PRICE}[product_data][name]",
)
_KNOWN = re.compile(
    r"mode|success_url|cancel_url|client_reference_id|expires_at|locale|metadata\[\w+\]|adaptive_pricing\[enabled\]"
    r"|payment_intent_data\[metadata\]\[\w+\]|line_items\[0\]\[quantity\]"
    r"|line_items\[0\]\[price_data\]\[(?:currency|unit_amount|product_data\]\[name)\]"
)
_LEAST = 50


def create_app(config: Config | None = None) -> Provider:
    here = Simulation(config or Config())
    sessions = "/v1/checkout/sessions"
    app = Provider(
        routes=[
            Route(sessions, _asked(here, _create), methods=["POST"]),
            Route(sessions, _asked(here, _list), methods=["GET"]),
            Route(sessions + "/{id}", _asked(here, _get), methods=["GET"]),
            Route(sessions + "/{id}/expire", _asked(here, _expire), methods=["POST"]),
            Route("/c/pay/{id}", _page(here), methods=["GET", "POST"]),
        ]
    )
    app.simulation = here
    return app


def _asked(here: Simulation, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given, here.config.key):
            return error(401, INVALID, "", "Invalid API Key provided")
        here.tick()
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        return await _once(here, request, form, answer, key) if key else await answer(here, request, form)

    return endpoint


async def _once(here: Simulation, request: Request, form: Form, answer: Answer, key: str) -> Response:
    """The first answer of a key, a 500 too, is its answer for ever. What was refused before anything was done is not
    kept. https://docs.stripe.com/api/idempotent_requests"""
    account = request.headers.get("stripe-account", "")
    print_ = repr((request.url.path, sorted(form.items())))
    known = here.keys.get(account + key)
    if known is not None and known.body is None:
        return error(
            409, "idempotency_error", "idempotency_key_in_use", "there is another request with this key"
        )
    if known is not None and known.print != print_:
        return error(
            400,
            "idempotency_error",
            "",
            "Keys for idempotent requests can only be used with the same parameters",
        )
    if known is not None and known.body is not None:
        return Response(known.body, known.status, {"idempotent-replayed": "true"}, "application/json")
    kept = here.keys[account + key] = Kept(print_)
    reply = await answer(here, request, form)
    if 400 <= reply.status_code < 500:
        del here.keys[account + key]
    else:
        kept.status, kept.body = reply.status_code, bytes(reply.body)
    return reply


async def _create(here: Simulation, request: Request, form: Form) -> Response:
    if wrong := _wrong(here, form):
        return wrong
    broken = next((one for one in here.inside if one.left > 0), None)
    if broken is not None:
        broken.left -= 1
    if broken is not None and not broken.after_deed:
        return error(500, "api_error", "", "an error on our end")
    session = Session(
        f"cs_test_{uuid4().hex}", form, request.headers.get("stripe-account", ""), here.now(), _expires(here, form),
        int(form[f"{_PRICE}[unit_amount]"]), form[f"{_PRICE}[currency]"],
    )  # fmt: skip
    here.sessions[session.id] = session
    if broken is not None:
        return error(500, "api_error", "", "an error on our end")
    return JSONResponse(here.shown(session))


def _wrong(here: Simulation, form: Form) -> Response | None:
    if unknown := next((one for one in form if not _KNOWN.fullmatch(one)), None):
        return error(400, INVALID, "parameter_unknown", f"Received unknown parameter: {unknown}")
    if missing := next((one for one in NEEDED if not form.get(one)), None):
        return error(400, INVALID, "parameter_missing", f"Missing required param: {missing}.")
    if form["mode"] != "payment" or not re.fullmatch(r"[a-z]{3}", form[f"{_PRICE}[currency]"]):
        return error(400, INVALID, "parameter_invalid_string", "mode or currency")
    amount = form[f"{_PRICE}[unit_amount]"]
    if not amount.isdigit() or len(amount) > 8:
        return error(400, INVALID, "parameter_invalid_integer", "Invalid integer")
    if int(amount) < _LEAST:
        return error(400, INVALID, "amount_too_small", "must convert to at least 50 cents")
    if not form["success_url"].startswith(("http://", "https://")):
        return error(400, INVALID, "url_invalid", "Not a valid URL")
    open_for = _expires(here, form) - here.now()
    if not OPEN_FOR[0] <= open_for <= OPEN_FOR[1]:
        return error(400, INVALID, "", "The `expires_at` timestamp must be between 30 minutes and 24 hours")
    return None


def _expires(here: Simulation, form: Form) -> datetime:
    said = form.get("expires_at")
    return datetime.fromtimestamp(int(said), UTC) if said else here.now() + OPEN_FOR[1]


def _known(here: Simulation, request: Request) -> Session | None:
    found = here.sessions.get(request.path_params["id"])
    return found if found and found.account == request.headers.get("stripe-account", "") else None


def _missing(request: Request) -> Response:
    return error(
        404, INVALID, "resource_missing", f"No such checkout.session: {request.path_params['id'][:80]}"
    )


async def _get(here: Simulation, request: Request, form: Form) -> Response:
    found = _known(here, request)
    whole = "payment_intent.latest_charge" in [
        value for name, value in request.query_params.multi_items() if name.startswith("expand")
    ]
    return JSONResponse(here.shown(found, whole=whole)) if found else _missing(request)


async def _expire(here: Simulation, request: Request, form: Form) -> Response:
    found = _known(here, request)
    if found is None:
        return _missing(request)
    if found.status != "open":
        return error(400, INVALID, "", 'Only Checkout Sessions with a status in ["open"] can be expired.')
    found.status = "expired"
    await here.emit("checkout.session.expired", here.shown(found))
    return JSONResponse(here.shown(found))


async def _list(here: Simulation, request: Request, form: Form) -> Response:
    asked = request.query_params
    account = request.headers.get("stripe-account", "")
    rows = [one for one in reversed(here.sessions.values()) if one.account == account]
    if since := asked.get("created[gte]"):
        rows = [one for one in rows if one.created.timestamp() >= int(since)]
    if (after := asked.get("starting_after")) is not None:
        if after not in here.sessions:
            return error(400, INVALID, "resource_missing", "No such checkout session")
        rows = rows[[one.id for one in rows].index(after) + 1 :]
    limit = min(int(asked.get("limit", 10)), 100)
    told: Json = {"object": "list", "url": "/v1/checkout/sessions", "has_more": len(rows) > limit}
    return JSONResponse(told | {"data": [here.shown(one) for one in rows[:limit]]})


def _page(here: Simulation) -> Callable[[Request], Awaitable[Response]]:
    """Where a person of a demo pays: with a card, by bank (it takes days), or in vain."""

    async def endpoint(request: Request) -> Response:
        here.tick()
        session = here.sessions.get(request.path_params["id"])
        if session is None:
            return HTMLResponse("<h1>Simulated Stripe</h1><p>There is no such page.</p>", 404)
        if request.method == "POST":
            by = dict(parse_qsl((await request.body()).decode())).get("by", "")
            if by not in ("card", "bank", "declined"):
                return HTMLResponse("<h1>Simulated Stripe</h1><p>by is card, bank or declined</p>", 400)
            if await here.pay(session.id, by) and by != "declined":
                return RedirectResponse(session.form["success_url"], 303)
        return HTMLResponse(_html(session, declined=request.method == "POST" and session.status == "open"))

    return endpoint


def _html(session: Session, *, declined: bool) -> str:
    name = escape(session.form[f"{_PRICE}[product_data][name]"])
    back = escape(session.form.get("cancel_url", ""), quote=True)
    sum_ = f"{session.amount / 100:.2f} {session.currency.upper()}"
    ways = (
        ("card", "Pay by card"),
        ("bank", "Pay by bank (takes days)"),
        ("declined", "A card that is declined"),
    )
    buttons = "".join(f'<button name="by" value="{by}">{said}</button> ' for by, said in ways)
    over = f"<p>This page is {session.status}.</p>"
    shown = f'<form method="post">{buttons}</form>' if session.status == "open" else over
    sorry = "<p>Your card was declined.</p>" if declined else ""
    return (
        f'<!doctype html><meta charset="utf-8"><title>Simulated Stripe</title><h1>Simulated Stripe</h1><p>{name}: {sum_}</p>'
        f'{sorry}{shown}<p><a href="{back}">Back</a></p>'
    )
