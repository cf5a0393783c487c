"""Where Stripe says that something is new about a payment. That it was told is kept before it is acknowledged; what is new
is asked of Stripe itself, so that what comes twice, late or in another order changes nothing."""

import logging
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from admin_api import hooks
from domain.errors import BadPayload, BadSignature, NotFound
from integrations import stripe
from integrations.stripe import Event
from runtime.runtime import Runtime
from runtime.wake import EVENTS
from store import payments

logger = logging.getLogger(__name__)

LARGEST = 500_000  # bytes


def routes(rt: Runtime) -> list[Route]:
    async def endpoint(request: Request) -> Response:
        return await _heard(rt, request)

    return [Route("/hooks/stripe", hooks.answering(endpoint), methods=["POST"])]


async def _heard(rt: Runtime, request: Request) -> Response:
    """403 for what is not signed by Stripe; 200 for what is theirs, about a payment of ours or not."""
    secrets = rt.settings.stripe_webhook_secrets
    body = await hooks.read(request, LARGEST)
    if not secrets or body is None:
        return hooks.told(413 if secrets else 404)
    async with rt.db.dispatch() as dispatch:
        now = dispatch.now
    try:
        said = stripe.verify(request.headers.get("stripe-signature", ""), body, secrets, now)
    except BadSignature:
        return hooks.told(403)
    except BadPayload:
        return hooks.told(400)
    event = stripe.event(said)
    if event is not None:
        await _take(rt, event)
    return hooks.told(200)


async def _take(rt: Runtime, event: Event) -> None:
    """About a payment that is not here, nothing."""
    try:
        workspace_id, payment_id = UUID(event.workspace), UUID(event.reference)
    except ValueError:
        return
    try:
        async with rt.db.transaction(workspace_id) as tx:
            if await payments.received(tx, payment_id, event.id, event.kind):
                await payments.look_now(tx, payment_id)
    except (NotFound, LookupError):
        logger.warning("a webhook of Stripe's is about a payment that is not here")
        return
    await rt.wake.wake(EVENTS)
