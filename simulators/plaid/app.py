"""The wire: what Plaid answers, errors included. Every request is a POST with the credentials in its body."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.common.troubled import Provider
from simulators.plaid.state import LINK_LIFE, Config, Item, Json, Link, Simulation, error

Answer = Callable[[Simulation, Json], Response]


def create_app(config: Config | None = None) -> Provider:
    here = Simulation(config or Config())
    table: dict[str, Answer] = {
        "link/token/create": _link, "link/token/get": _link_state, "item/public_token/exchange": _exchange,
        "accounts/get": _accounts, "processor/token/create": _processor, "item/remove": _remove,
        "webhook_verification_key/get": _key,
    }  # fmt: skip
    app = Provider(
        routes=[Route(f"/{path}", _asked(here, answer), methods=["POST"]) for path, answer in table.items()]
    )
    app.simulation = here
    return app


def _asked(here: Simulation, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await request.json()
        known = (here.config.client_id, here.config.secret)
        given = (str(body.get("client_id", "")), str(body.get("secret", "")))
        if not all(hmac.compare_digest(a, b) for a, b in zip(known, given, strict=True)):
            return error(400, "INVALID_API_KEYS")
        return answer(here, body)

    return endpoint


def _said(**body: object) -> Response:
    return JSONResponse({**body, "request_id": uuid4().hex})


def _link(here: Simulation, body: Json) -> Response:
    if not body.get("user", {}).get("client_user_id") or not body.get("client_name"):
        return error(400, "MISSING_FIELDS")
    update = body.get("access_token")
    if (update and update not in here.items) or (not update and not body.get("products")):
        return error(400, "INVALID_ACCESS_TOKEN" if update else "INVALID_FIELD")
    link = Link(f"link-sandbox-{uuid4()}", body, here.now())
    here.links[link.token] = link
    expires = (here.now() + LINK_LIFE).isoformat()
    url = f"https://secure.plaid.com/hl/{link.token}" if "hosted_link" in body else None
    return _said(link_token=link.token, expiration=expires, hosted_link_url=url)


def _link_state(here: Simulation, body: Json) -> Response:
    link = here.links.get(str(body.get("link_token")))
    if link is None:
        return error(400, "INVALID_LINK_TOKEN")
    added = [{"public_token": link.public_token}] if link.public_token else []
    sessions = (
        [{"link_session_id": uuid4().hex, "results": {"item_add_results": added}}] if link.finished else []
    )
    return _said(link_token=link.token, link_sessions=sessions)


def _exchange(here: Simulation, body: Json) -> Response:
    item = here.waiting.pop(str(body.get("public_token")), None)
    if item is None:
        return error(400, "INVALID_PUBLIC_TOKEN")
    here.items[item.access_token] = item
    return _said(access_token=item.access_token, item_id=item.id)


def _item(here: Simulation, body: Json) -> Item | Response:
    item = here.items.get(str(body.get("access_token")))
    if item is None:
        return error(400, "INVALID_ACCESS_TOKEN")
    return error(400, "ITEM_LOGIN_REQUIRED") if item.login_required else item


def _accounts(here: Simulation, body: Json) -> Response:
    item = _item(here, body)
    if isinstance(item, Response):
        return item
    shown = [
        {
            "account_id": one.id,
            "name": one.name,
            "mask": one.mask,
            "type": "depository",
            "subtype": one.subtype,
        }
        for one in item.accounts
    ]
    return _said(accounts=shown, item={"item_id": item.id, "institution_name": item.bank})


def _processor(here: Simulation, body: Json) -> Response:
    item = _item(here, body)
    if isinstance(item, Response):
        return item
    if body.get("processor") != "alpaca" or body.get("account_id") not in {one.id for one in item.accounts}:
        return error(400, "INVALID_FIELD")
    return _said(processor_token=f"processor-sandbox-{uuid4()}")


def _remove(here: Simulation, body: Json) -> Response:
    gone = here.items.pop(str(body.get("access_token")), None)
    return _said() if gone else error(400, "INVALID_ACCESS_TOKEN")


def _key(here: Simulation, body: Json) -> Response:
    if body.get("key_id") != here.key_id:
        return error(400, "INVALID_FIELD")
    return _said(key=here.public_key())
