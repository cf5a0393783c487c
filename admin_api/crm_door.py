"""Where a CRM says that something is new about a contact. It names whom to look at; what is new is asked of the CRM itself,
so that a webhook may come twice, late, out of order, or from somebody else's app."""

import logging

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from admin_api import hooks
from domain.errors import BadSignature
from runtime.runtime import Runtime
from store import crm_links

logger = logging.getLogger(__name__)

LARGEST = 500_000  # bytes


def routes(rt: Runtime) -> list[Route]:
    async def endpoint(request: Request) -> Response:
        return await _heard(rt, request)

    return [Route("/hooks/gohighlevel", hooks.answering(endpoint), methods=["POST"])]


async def _heard(rt: Runtime, request: Request) -> Response:
    """403 for what is not signed; 200 once it is written down, and for what is no matter of ours; 503 while it cannot be
    written down, so that it comes again."""
    body = await hooks.read(request, LARGEST)
    if body is None:
        return hooks.told(413)
    try:
        hook = rt.crms.verify(request.headers.get("x-ghl-signature", ""), body)
    except BadSignature:
        return hooks.told(403)
    if hook is None:
        return hooks.told(200)
    async with rt.db.dispatch() as dispatch:
        links = await crm_links.at_location(dispatch, hook.location)
    for workspace_id, link_id in links:
        async with rt.db.transaction(workspace_id) as tx:
            await crm_links.heard(tx, link_id, hook.id, hook.kind, hook.contact)
        rt.crash("crm_hook_saved")
    return hooks.told(200)
