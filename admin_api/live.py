"""Live events over a WebSocket: what happened in a workspace, as it happens, each with the thing as the API shows it.

A caller says who it is in a header or, from a page, in the first frame; never in the address, for addresses are logged.
Every event carries its cursor; who comes again with `?after=` misses nothing (docs/how-to/live-events.md)."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.websockets import WebSocket, WebSocketDisconnect

from admin_api import live_values, problems
from admin_api.auth import Doorkeeper, Here
from admin_api.feed import Feed, Frame, Hall, Seat
from admin_api.schemas import Conversation, Draft, Message
from channels import webchat_origin
from channels.racing import until_one_ends
from domain.errors import FieldError, Invalid, NotFound, NotPermitted, Rejected, TooMany, Unauthenticated
from runtime.runtime import Runtime
from store import conversations, drafts, events
from store.db import UNAVAILABLE, Tx, new_id
from store.events import BEGINNING, BadCursor, Event, Place

logger = logging.getLogger(__name__)

# Close codes, besides the protocol's own. After 1001, 1006, 1012 and 1013: come again with the last cursor.
TRY_AGAIN, BAD_FRAME, UNAUTHENTICATED, NOT_PERMITTED, NOT_FOUND = 1013, 4400, 4401, 4403, 4404
TOO_LATE, TOO_MANY = 4408, 4429
_IN_ADDRESS = frozenset({"token", "key", "api_key", "access_token", "authorization"})
_LONGEST_FRAME = 8_192


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    auth_s: float = 5.0
    """For the first frame."""
    heartbeat_s: float = 20.0
    """After so long without an event something is sent, so that both sides know that the other is there."""
    again_s: float = 30.0
    """How long a key that was revoked, or has expired, goes on hearing."""
    stalled_s: float = 20.0
    """A connection that takes nothing for so long is closed."""


PATIENCE = Patience()


class Live:
    def __init__(self, rt: Runtime, doorkeeper: Doorkeeper, patience: Patience, most_seats: int) -> None:
        self._rt, self._doorkeeper, self._patience = rt, doorkeeper, patience
        self.feed = Feed(rt.db, rt.wake, self._load, poll_s=rt.settings.poll_s, most_seats=most_seats)

    async def close(self) -> None:
        await self.feed.close()

    async def socket(self, socket: WebSocket) -> None:
        """Refused with problem+json where that can be read: before the upgrade."""
        socket.scope["state"] = {"request_id": str(new_id()), "headers": {}}
        here: Here | None = None
        try:
            _check_address(socket, self._rt.settings.public_url)
            after = _after(socket.query_params.get("after"))
            if _says_who(socket):
                here = await self._admit(socket, None)
                self.feed.check(here.caller.workspace_id)
        except Rejected as error:
            return await socket.send_denial_response(problems.rejected(socket.scope, error))
        except UNAVAILABLE as error:
            logger.error("database: %s", type(error).__name__)
            return await socket.send_denial_response(problems.unavailable(socket.scope))
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            await self._serve(socket, here, after)

    async def _serve(self, socket: WebSocket, here: Here | None, after: "_After | None") -> None:
        try:
            token = None
            if here is None:
                token = await self._first_frame(socket)
                here = await self._admit(socket, token)
            workspace_id = here.caller.workspace_id
            async with here.transaction() as tx:
                now, at = await events.now(tx), tx.now
            place, missed = _start(after, now, at, timedelta(days=self._rt.settings.event_days))
            at = (after.at if after else None) or at
            with self.feed.enter(workspace_id, place, at, now) as (hall, seat):
                ready = {"cursor": events.write(place, at), "missed": missed}
                await _send(socket, "ready", **ready, heartbeat_s=self._patience.heartbeat_s)
                await self._follow(socket, token, hall, seat, here.caller.person_id)
        except _Ended as error:
            await _close(socket, error.code, error.reason)
        except TimeoutError:
            await _close(socket, TOO_LATE, "unauthenticated")
        except Rejected as error:
            await _close(socket, _code(error), error.code)
        except UNAVAILABLE as error:
            logger.warning("the database is away: %s", type(error).__name__)
            await _close(socket, TRY_AGAIN, "unavailable")

    async def _first_frame(self, socket: WebSocket) -> str:
        """{"type": "auth", "token": …}"""
        async with asyncio.timeout(self._patience.auth_s):
            frame = await _receive(socket)
        token = frame.get("token")
        if frame.get("type") != "auth" or not isinstance(token, str):
            raise _Ended(BAD_FRAME, "the first frame is auth, with a token")
        return token

    async def _admit(self, socket: WebSocket, token: str | None) -> Here:
        """By the doorkeeper of every other request. Raise Rejected."""
        headers = list(socket.scope["headers"])
        if token is not None:
            headers.append((b"authorization", b"Bearer " + token.encode("latin-1", "replace")))
        state = {"request_id": socket.scope["state"]["request_id"], "headers": {}}
        scope = dict(socket.scope) | {"type": "http", "method": "GET", "headers": headers, "state": state}
        return await self._doorkeeper.admit(Request(scope))

    async def _follow(
        self, socket: WebSocket, token: str | None, hall: Hall, seat: Seat, person_id: UUID | None
    ) -> None:
        """Until one of them ends: the caller goes, takes too little, or may not any more."""
        await until_one_ends(
            self._speak(socket, hall, seat, person_id), _listen(socket), self._look_again(socket, token)
        )

    async def _speak(self, socket: WebSocket, hall: Hall, seat: Seat, person_id: UUID | None) -> None:
        async for frames in _beating(hall.frames(seat), self._patience.heartbeat_s):
            try:
                async with asyncio.timeout(self._patience.stalled_s):
                    for frame in frames:
                        if frame.only in (None, person_id):
                            await socket.send_text(frame.text)
                    if not frames:
                        await _send(socket, "heartbeat", cursor=events.write(seat.place, seat.at))
            except TimeoutError:
                raise _Ended(TRY_AGAIN, "too slow") from None

    async def _look_again(self, socket: WebSocket, token: str | None) -> None:
        """Keys are revoked, tokens end, people leave. Who asks too much, or a database that is away, changes
        nothing of that."""
        while True:
            await asyncio.sleep(self._patience.again_s)
            try:
                await self._admit(socket, token)
            except (TooMany, *UNAVAILABLE) as error:
                logger.info("a follower was not looked at again: %s", type(error).__name__)

    async def _load(self, workspace_id: UUID, place: Place, limit: int) -> Sequence[Frame]:
        async with self._rt.db.transaction(workspace_id) as tx:
            found = await events.after(tx, place, limit)
            things = await _things(tx, found)
        return [Frame(one.place, one.at, _text(one, things), _only(one)) for one in found]


@dataclass(frozen=True, slots=True)
class _After:
    place: Place
    at: datetime | None


class _Ended(Exception):
    """The connection is to be closed, with this code."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason


def _check_address(socket: WebSocket, public_url: str) -> None:
    """Raise NotPermitted for somebody else's page, Invalid for a secret in the address."""
    try:
        webchat_origin.check(socket.headers, (), public_url)
    except NotPermitted:
        detail = f"pages may follow events only when they come from {public_url}; programs send no Origin"
        raise NotPermitted(detail, code="bad_origin") from None
    if found := _IN_ADDRESS & {name.lower() for name in socket.query_params}:
        detail = "a secret in an address ends in logs; send a header, or the first frame"
        raise Invalid(
            "secrets do not go into the address", errors=[FieldError(f"/query/{min(found)}", detail)]
        )


def _says_who(socket: WebSocket) -> bool:
    return "x-api-key" in socket.headers or "authorization" in socket.headers


def _after(said: str | None) -> "_After | None":
    """None: from now on. "0": from the beginning of what is kept."""
    if said is None:
        return None
    if said == "0":
        return _After(BEGINNING, None)
    try:
        return _After(*events.read(said))
    except BadCursor:
        wrong = FieldError("/query/after", "not a cursor of these events; send one as it came, or 0")
        raise Invalid("the cursor is not valid", code="bad_cursor", errors=[wrong]) from None


def _start(after: "_After | None", now: Place, at: datetime, keep: timedelta) -> tuple[Place, bool]:
    """Where to begin, and whether something before that is gone: it was pruned, or the log is another one (a
    database that was put back to an earlier time)."""
    if after is None:
        return now, False
    if after.place.tx > now.tx:
        return now, True
    return after.place, after.at is not None and after.at < at - keep


async def _things(tx: Tx, found: Sequence[Event]) -> dict[tuple[str, UUID], Any]:
    """What the events are about, as it is now and as the API shows it."""
    wanted: dict[str, set[UUID]] = {"message": set(), "conversation": set(), "draft": set()}
    for one in found:
        noun = _noun(one)
        if noun in wanted and one.subject_id is not None:
            wanted[noun].add(one.subject_id)
    shown: dict[tuple[str, UUID], Any] = {}
    for message in await conversations.messages_named(tx, wanted["message"]):
        shown["message", message.id] = Message.model_validate(message).model_dump(mode="json")
    for conversation in await conversations.named(tx, wanted["conversation"]):
        told = Conversation.model_validate(conversation)
        shown["conversation", conversation.id] = told.model_dump(mode="json")
    for draft in await drafts.named(tx, wanted["draft"]):
        shown["draft", draft.id] = Draft.model_validate(draft).model_dump(mode="json")
    return shown | await live_values.valued(tx, found)


def _noun(event: Event) -> str:
    noun = event.kind.partition(".")[0]
    return "message" if noun in ("delivery", "attachment") else noun


def _text(event: Event, things: dict[tuple[str, UUID], Any]) -> str:
    subject = event.subject_id
    return _frame(
        "event", cursor=event.cursor, kind=event.kind, at=event.at.isoformat(),
        conversation_id=_told(event.conversation_id), subject_id=_told(subject), details=dict(event.details),
        data=things.get((_noun(event), subject)) if subject else None,
    )  # fmt: skip


def _only(event: Event) -> UUID | None:
    """Whose notification it is; everything else is everybody's."""
    return UUID(event.details["person_id"]) if _noun(event) == "notification" else None


def _told(id_: UUID | None) -> str | None:
    return str(id_) if id_ else None


def _frame(kind_: str, **more: Any) -> str:
    return json.dumps({"type": kind_, **more}, ensure_ascii=False, separators=(",", ":"))


async def _send(socket: WebSocket, kind_: str, **more: Any) -> None:
    await socket.send_text(_frame(kind_, **more))


async def _listen(socket: WebSocket) -> None:
    """Nothing is expected but a sign of life; the end is heard here."""
    while True:
        if (await _receive(socket)).get("type") != "ping":
            raise _Ended(BAD_FRAME, "only ping is understood here")


async def _receive(socket: WebSocket) -> dict[str, Any]:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or 1005)
    text = message.get("text")
    try:
        frame = json.loads(text) if text and len(text) <= _LONGEST_FRAME else None
    except (ValueError, RecursionError):
        frame = None
    if not isinstance(frame, dict):
        raise _Ended(BAD_FRAME, "a frame is a short JSON object")
    return frame


async def _beating(
    frames: AsyncIterator[Sequence[Frame]], heartbeat_s: float
) -> AsyncIterator[Sequence[Frame]]:
    """The frames, and () when there were none for a while."""
    coming = asyncio.ensure_future(anext(frames))
    try:
        while True:
            done, _ = await asyncio.wait([coming], timeout=heartbeat_s)
            if not done:
                yield ()
                continue
            found = coming.result()
            coming = asyncio.ensure_future(anext(frames))
            yield found
    finally:
        coming.cancel()


def _code(error: Rejected) -> int:
    for family, code in (
        (Unauthenticated, UNAUTHENTICATED), (NotPermitted, NOT_PERMITTED), (NotFound, NOT_FOUND), (TooMany, TOO_MANY),
    ):  # fmt: skip
        if isinstance(error, family):
            return code
    return BAD_FRAME


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    """A peer that takes nothing does not take this either; then the connection just ends."""
    with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
        async with asyncio.timeout(2):
            await socket.close(code, reason)
