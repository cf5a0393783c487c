"""Where a customer's link leads: on to the provider's page while it may be paid by, and else what became of it. Looking
pays nothing, so that whoever fetches links ahead does no harm."""

from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from dialogue import words
from domain.payment import Payment, State
from runtime.runtime import Runtime
from store import payment_pages, payments, workspaces

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = (
    '<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><style>"
    "body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}}"
    "a{{display:inline-block;padding:.6rem 1.2rem;background:#153;color:#fff;border-radius:.4rem;text-decoration:none}}"
    "</style>"
    "<h1>{business}</h1>{lines}</html>"
)
_SAYS = {
    State.ASKED: "asked", State.PROCESSING: "processing", State.PAID: "paid", State.REFUNDED: "refunded",
    State.MISMATCH: "looked_at", State.FAILED: "looked_at",
}  # fmt: skip


def routes(rt: Runtime) -> list[BaseRoute]:
    async def endpoint(request: Request) -> Response:
        return await _show(rt, request)

    return [Route("/pay/{end:str}", endpoint, methods=["GET"])]


async def _show(rt: Runtime, request: Request) -> Response:
    """`?done` and `?back` are how the provider's page sends customers back to us."""
    found = await _find(rt, request.path_params["end"], done="done" in request.query_params)
    if found is None:
        return _page(404, "en", words.say("payment_page_title", "en", "plain"), [_say("none", "en")])
    mine, business = found
    returned = {"done", "back"} & set(request.query_params)
    if mine.state is State.OPEN and mine.url and not returned:
        return RedirectResponse(mine.url, 303, HEADERS)
    facts = {"item": mine.label, "amount": {"amount": str(mine.amount), "currency": mine.currency}}
    lines = [_say("open", mine.language, **facts)]
    if mine.state is State.OPEN and "done" in request.query_params:
        lines.append(_say("done", mine.language))
    elif mine.state is State.OPEN:
        lines.append(f'<a href="?">{_say("pay", mine.language)}</a>')
    else:
        lines.append(_say(_SAYS.get(mine.state, "over"), mine.language, business=business))
    return _page(200, mine.language, business, lines)


async def _find(rt: Runtime, end: str, *, done: bool) -> tuple[Payment, str] | None:
    """With the business's name. Who comes back and says that it is done has us ask the provider now."""
    payment_id = payment_pages.id_in(end)
    if payment_id is None:
        return None
    async with rt.db.dispatch() as dispatch:
        workspace_id = await payment_pages.workspace_of(dispatch, payment_id)
    if workspace_id is None:
        return None
    async with rt.db.transaction(workspace_id) as tx:
        if not payment_pages.is_ours(tx, payment_id, end):
            return None
        mine = await payments.get(tx, payment_id)
        if done and mine.state is State.OPEN:
            await payments.look_now(tx, mine.id)
        return mine, (await workspaces.get(tx)).profile.workspace.name


def _say(key: str, language: str, **facts: Any) -> str:
    return escape(words.say(f"payment_page_{key}", language, "plain", **facts))


def _page(status: int, language: str, heading: str, lines: list[str]) -> Response:
    title = words.say("payment_page_title", language, "plain")
    shown = "".join(line if line.startswith("<a ") else f"<p>{line}</p>" for line in lines)
    html = _PAGE.format(language=language, title=escape(title), business=escape(heading), lines=shown)
    return HTMLResponse(html, status, HEADERS)
