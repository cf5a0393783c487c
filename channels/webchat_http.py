"""The web chat over plain HTTP: sessions, files, and what the socket does, for whom no socket opens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from channels import webchat_files, webchat_frames, webchat_limits, webchat_token
from channels.forms import clean
from channels.webchat_frames import HEARTBEAT_S, BadFrame, Code, Said, Seen, Verify
from channels.webchat_rooms import plain
from channels.webchat_token import Visitor
from channels.webchat_visits import Guest, Visits, asker, resume_at
from channels.webhooks import Known, busy, problem
from domain.errors import BadPayload, Rejected, TooMany, Unauthenticated
from store import visitors
from store.db import UNAVAILABLE

LONGEST_BODY = 160_000
NO_STORE = {"Cache-Control": "no-store"}
_GREETINGS = {
    "en": "Hi! I'm {name}, the automated assistant of {business}. How can I help?",
    "es": "¡Hola! Soy {name}, el asistente automático de {business}. ¿En qué puedo ayudar?",
}


class Requests:
    def __init__(self, visits: Visits, data_dir: Path) -> None:
        self._visits, self._data_dir = visits, data_dir

    def answering(
        self, work: Callable[[Request, Known], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Origin first, then the work; refusals as problem+json, readable by the page that may ask."""

        async def answer(request: Request) -> Response:
            origin: str | None = None
            try:
                known = await self._visits.find(request)
                origin = self._visits.check_origin(request, known)
                response = (
                    Response(status_code=204) if request.method == "OPTIONS" else await work(request, known)
                )
            except TooMany as error:
                response = problem(error)
                response.headers["Retry-After"] = str(error.retry_after_s)
            except Rejected as error:
                response = problem(error)
            except BadFrame as error:
                response = problem(BadPayload("this is no frame of a chat", code=error.code))
            except ClientDisconnect:
                response = Response(status_code=400)
            except UNAVAILABLE as error:
                response = busy(error)
            response.headers.update(_headers(origin))
            return response

        return answer

    async def session(self, request: Request, known: Known) -> Response:
        """{token?, name?, language?} → a token for this visitor, or for a new one when there is none that holds."""
        self._visits.limits.take(webchat_limits.SESSIONS_PER_IP, asker(request))
        self._visits.limits.take(webchat_limits.SESSIONS_PER_CHANNEL, str(known.row.id))
        asked = await _json(request)
        name, language = _short(asked, "name"), _language(asked, known)
        async with self._visits.db.transaction(known.row.workspace_id) as tx:
            visitor = Visitor(uuid4().hex, known.row.id, tx.now)
            with contextlib.suppress(Unauthenticated):
                visitor = webchat_token.read(
                    tx.vault, _text(asked, "token"), known.row.id, tx.now, webchat_token.RESUME
                )
            visitor = visitor.again(tx.now, name, language)
            standing = await visitors.standing(tx, visitor.id)
            token = webchat_token.write(tx.vault, visitor)
        profile = known.profile
        greeting = profile.assistant.greeting or _GREETINGS[visitor.language or "en"].format(
            name=profile.assistant.name, business=profile.workspace.name
        )
        return JSONResponse(
            {
                "token": token, "expires_at": visitor.expires_at.isoformat(), "last_seq": standing.last_seq,
                "conversation": standing.conversation_id and str(standing.conversation_id),
                "greeting": greeting, "business": profile.workspace.name, "language": visitor.language,
                "color": profile.brand.color,
            },
            headers=NO_STORE,
        )  # fmt: skip

    async def chat(self, request: Request, known: Known) -> Response:
        guest = await self._visits.guest(known, _bearer(request))
        if request.method == "POST":
            return await self._post(request, guest)
        after = resume_at(request.query_params.get("after") or request.headers.get("last-event-id"))
        if "text/event-stream" in request.headers.get("accept", ""):
            return await self._stream(guest, after)
        standing, lines = await self._visits.loader(guest)(after, 200)
        said = {"frames": [plain(one) for one in lines], "owner": standing.owner}
        return JSONResponse(said, headers=NO_STORE)

    async def _post(self, request: Request, guest: Guest) -> Response:
        """One frame, as over the socket; the Idempotency-Key is the message's id."""
        asked = await _json(request)
        if key := request.headers.get("idempotency-key"):
            asked |= {"id": key}
        self._visits.limits.take(webchat_limits.MESSAGES_PER_IP, asker(request))
        frame = webchat_frames.take({"type": "message"} | asked)
        match frame:
            case Said():
                seq = await self._visits.say(guest, frame)
                return JSONResponse({"type": "ack", "id": frame.id, "seq": seq}, 201)
            case Seen():
                await self._visits.see(guest, frame)
            case Verify() | Code():
                return JSONResponse(await self._visits.prove(guest, frame, asker(request)), headers=NO_STORE)
        return Response(status_code=204)

    async def _stream(self, guest: Guest, after: int) -> Response:
        """Server-sent events: each frame with its seq as its id, so that a browser resumes by itself."""
        load = self._visits.loader(guest)
        self._visits.rooms.check(guest.visitor.id)

        async def events() -> AsyncIterator[str]:
            with self._visits.rooms.enter(guest.visitor.id, guest.key, load, after) as (room, tab):
                yield "retry: 1000\n\n"
                async for said in _beating(self._visits.frames(room, tab)):
                    if not said:
                        yield ":\n\n"
                        continue
                    data = "\n\n".join(f"data: {one}" for one in said)
                    yield f"{data}\nid: {tab.cursor}\n\n"  # with the last one: who loses an earlier one gets all again

        headers = NO_STORE | {"X-Accel-Buffering": "no"}
        return StreamingResponse(events(), headers=headers, media_type="text/event-stream")

    async def file(self, request: Request, known: Known) -> Response:
        """Multipart, one file; its id goes into a message's attachments."""
        guest = await self._visits.guest(known, _bearer(request))
        self._visits.limits.take(webchat_limits.FILES_PER_IP, asker(request))
        upload = await webchat_files.receive(request)
        async with self._visits.db.transaction(guest.row.workspace_id) as tx:
            kept = await webchat_files.keep(tx, self._data_dir, guest.visitor.id, upload)
        said = {"id": str(kept.id), "type": kept.type, "size": kept.size}
        return JSONResponse(said, 201, NO_STORE)


async def _beating(frames: AsyncIterator[list[str]]) -> AsyncIterator[list[str]]:
    """The frames, and [] when there were none for a while."""
    coming = asyncio.ensure_future(anext(frames))
    try:
        while True:
            done, _ = await asyncio.wait([coming], timeout=HEARTBEAT_S)
            if not done:
                yield []
                continue
            try:
                said = coming.result()
            except StopAsyncIteration:
                return
            coming = asyncio.ensure_future(anext(frames))
            yield said
    finally:
        coming.cancel()


def _headers(origin: str | None) -> Mapping[str, str]:
    """CORS for the page that may; it gets no cookies, for there are none."""
    basis = {"Vary": "Origin", "X-Content-Type-Options": "nosniff"}
    if origin is None:
        return basis
    return basis | {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
        "Access-Control-Expose-Headers": "Retry-After",
        "Access-Control-Max-Age": "600",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("send the session's token: Authorization: Bearer …", code="token_missing")
    return token.strip()


async def _json(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            raise BadPayload("the body is too large", code="too_large")
    return webchat_frames.parse(bytes(body).decode("utf-8", "replace")) if body else {}


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name)
    return value if isinstance(value, str) else ""


def _short(asked: Mapping[str, Any], name: str) -> str | None:
    return clean(_text(asked, name)).strip()[:80] or None


def _language(asked: Mapping[str, Any], known: Known) -> str | None:
    """The one the browser asked for, if the business speaks it."""
    spoken = known.profile.assistant.languages
    said = _text(asked, "language").lower()[:2]
    return next((one for one in spoken if one == said), spoken[0])
