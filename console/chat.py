"""The web chat's script, for every page in the world, and a page that shows it, for this machine only."""

from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from console.loopback import only_here
from console.phone import running
from domain.errors import NotFound
from runtime.runtime import Runtime

HERE = Path(__file__).with_name("widget")
SCRIPT_HEADERS = {
    "Cache-Control": "public, max-age=300",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def routes(rt: Runtime) -> list[BaseRoute]:
    """The demo page only with demos on."""
    shown: list[BaseRoute] = [Route("/widget.js", _script)]
    if rt.settings.demo:
        demo = DemoPage(rt)
        shown += [
            Route("/widget-demo", only_here(demo.page)),
            Route("/widget-demo/demo.css", only_here(_style)),
        ]
    return shown


async def _script(request: Request) -> Response:
    return FileResponse(HERE / "widget.js", media_type="text/javascript", headers=SCRIPT_HEADERS)


async def _style(request: Request) -> Response:
    return FileResponse(HERE / "demo.css", media_type="text/css", headers=PAGE_HEADERS)


class DemoPage:
    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    async def page(self, request: Request) -> Response:
        """?ws=clinic, else the first business; ?lang=es."""
        there = [one for one in running(self._rt).workspaces if one.chat_id]
        wanted = request.query_params.get("ws", "")
        business = next((one for one in there if wanted in ("", one.slug, one.id)), None)
        if business is None:
            raise NotFound("there is no such demo business with a web chat")
        links = "".join(f'<a href="?ws={escape(one.slug)}">{escape(one.name)}</a>' for one in there)
        page = (HERE / "demo.html").read_text(encoding="utf-8")
        lang = "es" if request.query_params.get("lang") == "es" else "en"
        values = {"name": business.name, "slug": business.slug, "channel": business.chat_id, "lang": lang}
        for name, value in (values | {"base": self._rt.settings.public_url}).items():
            page = page.replace(f"{{{name}}}", escape(value))
        return HTMLResponse(page.replace("{links}", links), headers=PAGE_HEADERS)
