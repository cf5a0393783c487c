"""The Media resource: metadata here, content behind a redirect to another origin, as at Twilio."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from simulators.twilio import messages, rest
from simulators.twilio.errors import TwilioError
from simulators.twilio.signature import sign
from simulators.twilio.state import Json, Media, Simulation, rfc2822


async def find(request: Request) -> Response:
    message = messages.get(request, request.path_params["message_sid"])
    found = [media for media in message.media if not media.deleted]
    return rest.page(request, "media_list", found, lambda media: media.sid, show)


async def fetch(request: Request) -> Response:
    return JSONResponse(show(_get(request)))


async def delete(request: Request) -> Response:
    _get(request).deleted = True
    return Response(status_code=204)


async def redirect(request: Request) -> Response:
    """307 to where the content is: a link that needs no credentials, and refuses them."""
    media, simulation = _get(request), rest.simulation(request)
    if media.source_url:
        return RedirectResponse(media.source_url, 307)
    return RedirectResponse(
        f"{_origin(simulation)}/media/{media.sid}?signature={_seal(simulation, media)}", 307
    )


async def content(request: Request) -> Response:
    """The bytes. Like a signed S3 link, it answers 400 to whoever forwards the Authorization header."""
    simulation = rest.simulation(request)
    media = simulation.media.get(request.path_params["sid"])
    if "authorization" in request.headers:
        return Response("<Error><Code>InvalidArgument</Code></Error>", 400, media_type="application/xml")
    if media is None or media.deleted:
        return Response("<Error><Code>NoSuchKey</Code></Error>", 404, media_type="application/xml")
    if not secrets.compare_digest(request.query_params.get("signature", ""), _seal(simulation, media)):
        return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
    return Response(media.content, headers={"Content-Type": media.content_type})


def _get(request: Request) -> Media:
    message = messages.get(request, request.path_params["message_sid"])
    for media in message.media:
        if media.sid == request.path_params["sid"] and not media.deleted:
            return media
    raise TwilioError(20404, request.url.path)


def _origin(simulation: Simulation) -> str:
    here = urlsplit(simulation.origin)
    return simulation.config.media_origin or f"{here.scheme}://localhost:{here.port}"


def _seal(simulation: Simulation, media: Media) -> str:
    sealed = sign(simulation.config.auth_token, media.sid, {})
    return sealed.translate(str.maketrans("+/=", "-_."))


def show(media: Media) -> Json:
    return {
        "account_sid": media.account_sid,
        "content_type": media.content_type,
        "date_created": rfc2822(media.created),
        "date_updated": rfc2822(media.created),
        "parent_sid": media.message_sid,
        "sid": media.sid,
        "uri": f"{media.uri}.json",
    }
