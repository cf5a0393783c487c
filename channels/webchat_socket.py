"""The web chat over a socket: the first frame says who it is, then both sides talk until one of them ends."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from channels import webchat_frames, webchat_limits
from channels.racing import until_one_ends
from channels.webchat_frames import Auth, BadFrame, Code, Ping, Said, Seen, Typing, Verify, show
from channels.webchat_rooms import Room, Tab
from channels.webchat_visits import Guest, Visits, asker, resume_at
from channels.webhooks import Known, problem
from domain.errors import Rejected, TooMany, Unauthenticated
from store.db import UNAVAILABLE

logger = logging.getLogger(__name__)

MOST_MISTAKES = 20

# Close codes, besides the protocol's own. After 1001, 1006, 1012 and 1013 the browser comes again and resumes.
TRY_AGAIN, BINARY, UNAUTHENTICATED, TOO_LATE, FLOOD = 1013, 1003, 4401, 4408, 4429


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    auth_s: float = 5.0
    """For the first frame."""
    stalled_s: float = 20.0
    """A socket that takes nothing for so long is closed; its browser comes again and resumes."""


class Sockets:
    def __init__(self, visits: Visits, patience: Patience) -> None:
        self._visits, self._patience = visits, patience

    async def socket(self, socket: WebSocket) -> None:
        try:
            known = await self._visits.find(socket)
            self._visits.check_origin(socket, known)
            self._visits.limits.take(webchat_limits.SOCKETS_PER_IP, asker(socket))
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
            after = resume_at(socket.query_params.get("after"))
            entered = self._visits.rooms.enter(guest.visitor.id, guest.key, self._visits.loader(guest), after)
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
        async with asyncio.timeout(self._patience.auth_s):
            frame = webchat_frames.read(await _receive(socket))
        if not isinstance(frame, Auth):
            raise BadFrame("unauthenticated")
        return await self._visits.guest(known, frame.token)

    async def _both(self, socket: WebSocket, guest: Guest, room: Room, tab: Tab) -> None:
        """Listen and speak until one of them ends."""
        await until_one_ends(self._listen(socket, guest, room, tab), self._speak(socket, room, tab))

    async def _speak(self, socket: WebSocket, room: Room, tab: Tab) -> None:
        with contextlib.suppress(TimeoutError):
            async for said in self._visits.frames(room, tab):
                async with asyncio.timeout(self._patience.stalled_s):
                    for one in said:
                        await socket.send_text(one)
        await _close(socket, TRY_AGAIN)

    async def _listen(self, socket: WebSocket, guest: Guest, room: Room, tab: Tab) -> None:
        who, mistakes = f"socket {id(tab)}", 0
        network = asker(socket)
        while mistakes < MOST_MISTAKES:
            text = await _receive(socket)
            id_ = None
            try:
                if wait := self._visits.limits.wait_s(webchat_limits.FRAMES_PER_SOCKET, who):
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
                self._visits.limits.take(webchat_limits.MESSAGES_PER_IP, network)
                seq = await self._visits.say(guest, frame)
                tab.put(show("ack", id=frame.id, seq=seq))
            case Seen():
                if frame.seq > (room.read if frame.read else room.seen):
                    await self._visits.see(guest, frame)
                    room.seen = max(room.seen, frame.seq)
                    room.read = max(room.read, frame.seq) if frame.read else room.read
            case Ping():
                tab.put(show("pong"))
            case Verify() | Code():
                told = await self._visits.prove(guest, frame, network)
                tab.put(webchat_frames.write(told))
            case Typing():
                pass  # nobody is shown it yet: the console will be
            case Auth():
                raise BadFrame("bad_frame")


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
