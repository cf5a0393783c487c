"""The web chat's door: sessions, the socket, its fall-back over plain HTTP, and files. What a visitor writes goes the
way of every message: store.inbox, wake, and only then the ack."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from channels import (
    webchat_codes,
    webchat_files,
    webchat_frames,
    webchat_limits,
    webchat_origin,
    webchat_token,
)
from channels.forms import clean
from channels.webchat import WebChat
from channels.webchat_frames import (
    HEARTBEAT_S,
    Auth,
    BadFrame,
    Code,
    Ping,
    Said,
    Seen,
    Typing,
    Verify,
    show,
)
from channels.webchat_limits import Limits, network_of
from channels.webchat_rooms import Load, Room, Rooms, Tab, plain
from channels.webchat_token import Visitor
from channels.webhooks import Known, Webhooks, busy, problem
from domain.errors import BadPayload, Conflict, Invalid, NotFound, Rejected, TooMany, Unauthenticated
from domain.messages import Address, DeliveryState, Inbound, Media, Scheme, Status
from domain.ports import Waker
from store import attachments, inbox, verifications, visitors
from store.channels import ChannelRow
from store.db import TRACE, UNAVAILABLE, Database, new_id
from store.verifications import Proof
from store.visitors import Line, Standing

logger = logging.getLogger(__name__)

AUTH_S = 5.0
"""For the first frame."""
STALLED_S = 20.0
"""A socket that takes nothing for so long is closed; its browser comes again and resumes."""
LONGEST_BODY = 160_000
MOST_MISTAKES = 20
NO_STORE = {"Cache-Control": "no-store"}

# Close codes, besides the protocol's own. After 1001, 1006, 1012 and 1013 the browser comes again and resumes.
TRY_AGAIN, BINARY, UNAUTHENTICATED, TOO_LATE, FLOOD = 1013, 1003, 4401, 4408, 4429

_SEEN: dict[bool, tuple[DeliveryState, ...]] = {
    False: (DeliveryState.ACCEPTED,),
    True: (DeliveryState.ACCEPTED, DeliveryState.DELIVERED),
}
_GREETINGS = {
    "en": "Hi! I'm {name}, the automated assistant of {business}. How can I help?",
    "es": "¡Hola! Soy {name}, el asistente automático de {business}. ¿En qué puedo ayudar?",
}


@dataclass(frozen=True, slots=True)
class Guest:
    """A visitor who has shown who they are."""

    known: Known
    visitor: Visitor
    key: bytes

    @property
    def row(self) -> ChannelRow:
        return self.known.row


class WebChatDoor:
    def __init__(
        self,
        db: Database,
        wake: Waker,
        hooks: Webhooks,
        public_url: str,
        data_dir: Path,
        crash: Callable[[str], None],
        *,
        poll_s: float = 1.0,
        limits: Limits | None = None,
    ) -> None:
        self._db, self._wake, self._hooks = db, wake, hooks
        self._public_url, self._data_dir, self._crash = public_url, data_dir, crash
        self._limits = limits or Limits()
        self.rooms = Rooms(self._moved, poll_s)

    def routes(self) -> list[BaseRoute]:
        at = "/channels/{channel_id}"
        return [
            Route(f"{at}/sessions", self._answering(self._session), methods=["POST", "OPTIONS"]),
            WebSocketRoute(f"{at}/chat", self.socket),
            Route(f"{at}/chat", self._answering(self._chat), methods=["GET", "POST", "OPTIONS"]),
            Route(f"{at}/files", self._answering(self._file), methods=["POST", "OPTIONS"]),
        ]

    async def open(self) -> None:
        """Inside the running loop: from now on hints reach the rooms."""
        self._wake.hear("visitor", self.rooms.hear)

    async def close(self) -> None:
        self._wake.unhear("visitor", self.rooms.hear)
        await self.rooms.close()

    # --- over HTTP ---

    def _answering(
        self, work: Callable[[Request, Known], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Origin first, then the work; refusals as problem+json, readable by the page that may ask."""

        async def answer(request: Request) -> Response:
            origin: str | None = None
            try:
                known = await self._find(request)
                origin = webchat_origin.check(request.headers, _origins(known), self._public_url)
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

    async def _session(self, request: Request, known: Known) -> Response:
        """{token?, name?, language?} → a token for this visitor, or for a new one when there is none that holds."""
        self._limits.take(webchat_limits.SESSIONS_PER_IP, _who(request))
        self._limits.take(webchat_limits.SESSIONS_PER_CHANNEL, str(known.row.id))
        asked = await _json(request)
        name, language = _short(asked, "name"), _language(asked, known)
        async with self._db.transaction(known.row.workspace_id) as tx:
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

    async def _chat(self, request: Request, known: Known) -> Response:
        guest = await self._guest(known, _bearer(request))
        if request.method == "POST":
            return await self._post(request, guest)
        after = _after(request.query_params.get("after") or request.headers.get("last-event-id"))
        if "text/event-stream" in request.headers.get("accept", ""):
            return await self._stream(guest, after)
        standing, lines = await self._loader(guest)(after, 200)
        said = {"frames": [plain(one) for one in lines], "owner": standing.owner}
        return JSONResponse(said, headers=NO_STORE)

    async def _post(self, request: Request, guest: Guest) -> Response:
        """One frame, as over the socket; the Idempotency-Key is the message's id."""
        asked = await _json(request)
        if key := request.headers.get("idempotency-key"):
            asked |= {"id": key}
        self._limits.take(webchat_limits.MESSAGES_PER_IP, _who(request))
        frame = webchat_frames.take({"type": "message"} | asked)
        match frame:
            case Said():
                seq = await self._say(guest, frame)
                return JSONResponse({"type": "ack", "id": frame.id, "seq": seq}, 201)
            case Seen():
                await self._see(guest, frame)
            case Verify() | Code():
                return JSONResponse(await self._prove(guest, frame, _who(request)), headers=NO_STORE)
        return Response(status_code=204)

    async def _stream(self, guest: Guest, after: int) -> Response:
        """Server-sent events: each frame with its seq as its id, so that a browser resumes by itself."""
        load = self._loader(guest)
        self.rooms.check(guest.visitor.id)

        async def events() -> AsyncIterator[str]:
            with self.rooms.enter(guest.visitor.id, guest.key, load, after) as (room, tab):
                yield "retry: 1000\n\n"
                async for said in _beating(self._frames(room, tab)):
                    if not said:
                        yield ":\n\n"
                        continue
                    data = "\n\n".join(f"data: {one}" for one in said)
                    yield f"{data}\nid: {tab.cursor}\n\n"  # with the last one: who loses an earlier one gets all again

        headers = NO_STORE | {"X-Accel-Buffering": "no"}
        return StreamingResponse(events(), headers=headers, media_type="text/event-stream")

    async def _file(self, request: Request, known: Known) -> Response:
        """Multipart, one file; its id goes into a message's attachments."""
        guest = await self._guest(known, _bearer(request))
        self._limits.take(webchat_limits.FILES_PER_IP, _who(request))
        upload = await webchat_files.receive(request)
        async with self._db.transaction(guest.row.workspace_id) as tx:
            kept = await webchat_files.keep(tx, self._data_dir, guest.visitor.id, upload)
        said = {"id": str(kept.id), "type": kept.type, "size": kept.size}
        return JSONResponse(said, 201, NO_STORE)

    # --- over the socket ---

    async def socket(self, socket: WebSocket) -> None:
        try:
            known = await self._find(socket)
            webchat_origin.check(socket.headers, _origins(known), self._public_url)
            self._limits.take(webchat_limits.SOCKETS_PER_IP, _who(socket))
        except Rejected as error:
            return await socket.send_denial_response(problem(error))
        except UNAVAILABLE:
            return await socket.send_denial_response(Response(status_code=503))
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            await self._serve(socket, known)

    async def _serve(self, socket: WebSocket, known: Known) -> None:
        try:
            guest = await self._greet(socket, known)
            after = _after(socket.query_params.get("after"))
            entered = self.rooms.enter(guest.visitor.id, guest.key, self._loader(guest), after)
            with entered as (room, tab):
                await self._both(socket, guest, room, tab)
        except TimeoutError:
            await _close(socket, TOO_LATE)
        except BadFrame as error:
            await _close(socket, BINARY if error.code == "binary" else UNAUTHENTICATED, error.code)
        except Unauthenticated as error:
            await _close(socket, UNAUTHENTICATED, error.code)
        except TooMany:
            await _close(socket, FLOOD)
        except UNAVAILABLE:
            await _close(socket, TRY_AGAIN)

    async def _greet(self, socket: WebSocket, known: Known) -> Guest:
        """The first frame says who it is; the address does not, for addresses are logged."""
        async with asyncio.timeout(AUTH_S):
            frame = webchat_frames.read(await _receive(socket))
        if not isinstance(frame, Auth):
            raise BadFrame("unauthenticated")
        return await self._guest(known, frame.token)

    async def _both(self, socket: WebSocket, guest: Guest, room: Room, tab: Tab) -> None:
        """Listen and speak until one of them ends."""
        tasks = {
            asyncio.create_task(self._listen(socket, guest, room, tab)),
            asyncio.create_task(self._speak(socket, room, tab)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _speak(self, socket: WebSocket, room: Room, tab: Tab) -> None:
        with contextlib.suppress(TimeoutError):
            async for said in self._frames(room, tab):
                async with asyncio.timeout(STALLED_S):
                    for one in said:
                        await socket.send_text(one)
        await _close(socket, TRY_AGAIN)

    async def _frames(self, room: Room, tab: Tab) -> AsyncIterator[list[str]]:
        """The room's, also when the database is away for a while."""
        while not tab.overrun:
            try:
                async for said in room.frames(tab):
                    yield said
            except UNAVAILABLE as error:
                logger.warning("the database is away: %s", type(error).__name__)
                await asyncio.sleep(1)

    async def _listen(self, socket: WebSocket, guest: Guest, room: Room, tab: Tab) -> None:
        who, mistakes = f"socket {id(tab)}", 0
        network = _who(socket)
        while mistakes < MOST_MISTAKES:
            text = await _receive(socket)
            id_ = None
            try:
                if wait := self._limits.wait_s(webchat_limits.FRAMES_PER_SOCKET, who):
                    raise TooMany("too many frames", max(1, round(wait)))
                frame = webchat_frames.read(text)
                id_ = frame.id if isinstance(frame, Said) else None
                await self._take(guest, room, tab, frame, network)
            except BadFrame as error:
                mistakes += 1
                tab.put(show("error", code=error.code, id=error.id))
            except TooMany as error:
                mistakes += 1
                tab.put(show("error", code=error.code, id=id_, retry_after=error.retry_after_s))
            except Rejected as error:
                mistakes += 1
                tab.put(show("error", code=error.code, id=id_))
            except UNAVAILABLE as error:
                logger.error("web chat not stored: %s", type(error).__name__)
                tab.put(show("error", code="unavailable", id=id_))
        raise TooMany("too many mistakes", 60)

    async def _take(
        self, guest: Guest, room: Room, tab: Tab, frame: webchat_frames.Frame, network: str
    ) -> None:
        match frame:
            case Said():
                self._limits.take(webchat_limits.MESSAGES_PER_IP, network)
                seq = await self._say(guest, frame)
                tab.put(show("ack", id=frame.id, seq=seq))
            case Seen():
                if frame.seq > (room.read if frame.read else room.seen):
                    await self._see(guest, frame)
                    room.seen = max(room.seen, frame.seq)
                    room.read = max(room.read, frame.seq) if frame.read else room.read
            case Ping():
                tab.put(show("pong"))
            case Verify() | Code():
                told = await self._prove(guest, frame, network)
                tab.put(webchat_frames.write(told))
            case Typing():
                pass  # nobody is shown it yet: the console will be
            case Auth():
                raise BadFrame("bad_frame")

    # --- what both do ---

    async def _find(self, request: HTTPConnection) -> Known:
        known = await self._hooks.find(request.path_params["channel_id"])
        if not isinstance(known.channel, WebChat) or not known.row.active:
            raise NotFound("there is no such chat")
        return known

    async def _guest(self, known: Known, token: str) -> Guest:
        async with self._db.transaction(known.row.workspace_id) as tx:
            visitor = webchat_token.read(tx.vault, token, known.row.id, tx.now)
            return Guest(known, visitor, visitors.key(tx, visitor.id))

    def _loader(self, guest: Guest) -> Load:
        async def load(after: int, limit: int) -> tuple[Standing, Sequence[Line]]:
            async with self._db.transaction(guest.row.workspace_id) as tx:
                return await visitors.look(tx, guest.visitor.id, after, limit)

        return load

    async def _moved(self, keys: list[bytes]) -> dict[bytes, int]:
        async with self._db.dispatch() as dispatch:
            return await visitors.moved(dispatch, keys)

    async def _say(self, guest: Guest, said: Said) -> int:
        """Store it, wake who shall know, and return its seq; the same id again is the same message."""
        self._limits.take(webchat_limits.MESSAGES_PER_VISITOR, guest.visitor.id)
        TRACE.set(str(new_id()))
        saved, seq = await self._hooks.insist(lambda: self._save(guest, said))
        self._crash("chat_saved")
        if saved.turns:
            await self._wake.wake("turns")
        if saved.deliveries:
            await self._wake.wake("deliveries")
        await self._wake.wake(f"visitor:{guest.visitor.id}")
        if saved.turns and (room := self.rooms.find(guest.visitor.id)):
            room.tell(show("typing", author="assistant"))
        return seq

    async def _save(self, guest: Guest, said: Said) -> tuple[inbox.Saved, int]:
        row, visitor = guest.row, guest.visitor
        async with self._db.transaction(row.workspace_id) as tx:
            seq = await visitors.said(tx, visitor.id, said.id)
            if seq is not None:
                return inbox.Saved(), seq
            files = await visitors.files(tx, visitor.id, said.files)
            if len(files) != len(said.files):
                raise Invalid("an attachment is not there, or was sent already", code="no_such_file")
            media = tuple(Media(f"visitor-file:{one.id}", one.type, one.name) for one in files)
            sender = Address(Scheme.WEBCHAT, visitor.id)
            event = Inbound(f"{visitor.id}:{said.id}", sender, said.text, media, sender_name=visitor.name)
            saved = await inbox.save(tx, row, guest.known.profile, [event])
            seq = await visitors.said(
                tx, visitor.id, said.id
            )  # it came twice at once, and the other was first
            if seq is None:
                seq = await visitors.add(tx, visitor.id, row.id, said.id, visitor.language)
                if seq is None:
                    raise Conflict("this message was sent before, and has been erased", code="already_sent")
                for attachment_id, one in await visitors.attach(tx, visitor.id, seq, files) if files else ():
                    await attachments.stored(tx, attachment_id, one.type, one.size, one.sha256, one.path)
            return saved, seq

    async def _prove(self, guest: Guest, frame: Verify | Code, network: str) -> dict[str, str]:
        """The frame that answers. Raise TooMany, or Invalid: no_number, no_way (nobody's fault but the business's),
        wrong_code, code_expired."""
        row, visitor = guest.row, guest.visitor
        if isinstance(frame, Verify):
            self._limits.take(webchat_limits.CODES_PER_IP, network)
            async with self._db.transaction(row.workspace_id) as tx:
                language = visitor.language or guest.known.profile.assistant.languages[0]
                await webchat_codes.send(tx, guest.known.profile, visitor.id, frame.to, language)
            await self._wake.wake("deliveries")
            return {"type": "verify", "state": "sent"}
        self._limits.take(webchat_limits.TRIES_PER_IP, network)
        async with self._db.transaction(row.workspace_id) as tx:
            proof = await verifications.prove(tx, visitor.id, frame.code)
        if proof is not Proof.GIVEN:
            raise Invalid("this is not the code, or not any more", code=proof.value)
        await self._wake.wake("turns")
        return {"type": "verified"}

    async def _see(self, guest: Guest, seen: Seen) -> None:
        """The visitor's browser has it, or the visitor has: the same reports that a provider would make."""
        state = DeliveryState.READ if seen.read else DeliveryState.DELIVERED
        async with self._db.transaction(guest.row.workspace_id) as tx:
            waiting = await visitors.not_yet(tx, guest.visitor.id, seen.seq, _SEEN[seen.read])
            reports = [
                Status(f"{message}:{part}", state, state.value, message_id=message, part=part)
                for message, part in waiting
            ]
            await inbox.save(tx, guest.row, guest.known.profile, reports)


async def _receive(socket: WebSocket) -> str:
    """The next frame's text. Raise BadFrame for a binary one, WebSocketDisconnect at the end."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or 1005)
    text: str | None = message.get("text")
    if text is None:
        raise BadFrame("binary")
    return text


async def _close(socket: WebSocket, code: int, reason: str = "") -> None:
    """A peer that takes nothing does not take this either; then the connection just ends."""
    with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
        async with asyncio.timeout(2):
            await socket.close(code, reason)


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


def _origins(known: Known) -> Sequence[str]:
    said = known.row.settings.get("origins")
    return [str(one) for one in said] if isinstance(said, list) else []


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


def _who(connection: HTTPConnection) -> str:
    return network_of(connection.client.host if connection.client else "")


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("send the session's token: Authorization: Bearer …", code="token_missing")
    return token.strip()


def _after(said: str | None) -> int:
    """Where to resume; what is no number is the beginning."""
    return int(said) if said and said.isascii() and said.isdecimal() and len(said) < 16 else 0


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
