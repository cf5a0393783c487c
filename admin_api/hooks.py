"""What the doors have in common at which other companies knock: a whole body of decent size, and a plain answer."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from store.db import UNAVAILABLE

Endpoint = Callable[[Request], Awaitable[Response]]


def answering(work: Endpoint) -> Endpoint:
    """While the database is away, whoever asks comes again."""

    async def answer(request: Request) -> Response:
        try:
            return await work(request)
        except UNAVAILABLE:
            return PlainTextResponse("the database is away; come again", 503, {"Retry-After": "30"})

    return answer


async def read(request: Request, largest: int) -> bytes | None:
    """None for a body of more than so many bytes; no more than those are held."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            return None
    return bytes(body)


def told(status: int) -> Response:
    """The status says it all."""
    return JSONResponse({}, status)
