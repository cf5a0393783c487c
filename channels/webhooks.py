"""The one HTTP door that every provider knocks on: read, verify, parse, keep, wake, and only then ack."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from channels.base import Ack, Channel, Hook
from channels.forms import MAX_BYTES, read_form
from channels.gathering import Gathering
from domain.errors import BadPayload, NotFound, Rejected
from domain.messages import Event
from domain.ports import Waker
from domain.workspace import Profile
from store import channels, inbox, receipts, workspaces
from store.channels import ChannelRow
from store.db import TRACE, UNAVAILABLE, Database, is_collision
from store.receipts import Piece

logger = logging.getLogger(__name__)

T = TypeVar("T")
DOORS = ("messages", "status", "webhook")
"""POST /channels/{channel_id}/DOOR: they are all the same, so that a number can be moved here without a change there."""
PATIENCE_S = 8.0
"""How long a webhook waits for a database that restarts. Twilio gives it 15 s, Meta about as long."""
REMEMBER_S = 5.0
"""How long a channel's settings may be out of date here."""


@dataclass(frozen=True, slots=True)
class Known:
    """A channel as it was a moment ago."""

    row: ChannelRow
    profile: Profile
    channel: Channel
    until: float


class Webhooks:
    def __init__(
        self,
        db: Database,
        wake: Waker,
        open_channel: Callable[[ChannelRow], Channel],
        public_url: str,
        crash: Callable[[str], None],
    ) -> None:
        self._db, self._wake, self._open_channel = db, wake, open_channel
        self._public_url, self._crash = public_url, crash
        self._known: dict[str, Known] = {}
        self._gatherings: defaultdict[UUID, Gathering[Piece]] = defaultdict(
            lambda: Gathering(self._keep_together)
        )
        """By workspace."""

    def greetings(self) -> list[Route]:
        return [Route("/channels/{channel_id}/webhook", self.greet, methods=["GET"])]

    async def greet(self, request: Request) -> Response:
        """The provider asks whether this address is ours."""
        try:
            known = await self.find(request.path_params["channel_id"])
            ack = known.channel.challenge(await read(request.scope, request.receive, self._public_url))
        except Rejected as error:
            return problem(error)
        except UNAVAILABLE as error:
            return busy(error)
        if ack is None:
            return problem(NotFound("this channel's provider never asks"))
        return Response(ack.body, ack.status, media_type=ack.media_type)

    async def receive(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A webhook, as plain ASGI: a Request and a Response cost more than checking the signature."""
        try:
            ack = await self._take(scope, receive)
        except Rejected as error:
            await problem(error)(scope, receive, send)
        except UNAVAILABLE as error:
            await busy(error)(scope, receive, send)
        except ClientDisconnect:
            await Response(status_code=400)(scope, receive, send)
        else:
            body = ack.body.encode()
            headers = [
                (b"content-length", b"%d" % len(body)),
                (b"content-type", f"{ack.media_type}; charset=utf-8".encode()),
            ]
            await send({"type": "http.response.start", "status": ack.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _take(self, scope: Scope, receive: Receive) -> Ack:
        """What the provider hears once all of it is stored."""
        channel_id = scope["path_params"]["channel_id"]
        known = self._remembered(channel_id)
        if known is None:
            known = await self.insist(lambda: self.find(channel_id))
        hook = await read(scope, receive, self._public_url, known.channel.largest)
        known.channel.verify(hook)
        events = known.channel.parse(hook)
        self._crash("webhook_parsed")
        await self.insist(lambda: self._keep(known, events))
        return known.channel.ack()

    async def _keep(self, known: Known, events: list[Event]) -> None:
        """What can wait shares a transaction with others that come in the same moment; what demands more has its own."""
        if not all(inbox.can_wait(one) for one in events):
            await self._save(known, events)
            return
        adding = [
            self._gatherings[known.row.workspace_id].add((known.row, one, TRACE.get())) for one in events
        ]
        await (adding[0] if len(adding) == 1 else asyncio.gather(*adding))

    async def _keep_together(self, batch: Sequence[Piece]) -> None:
        await receipts.keep_at_once(self._db, batch[0][0].workspace_id, batch)
        self._crash("webhook_saved")
        logger.info("webhooks kept", extra={"requests": [trace for _, _, trace in batch]})
        await self._wake.wake("inbox")

    async def _save(self, known: Known, events: list[Event]) -> None:
        """Committed, and only then said to the workers."""
        async with self._db.transaction(known.row.workspace_id) as tx:
            saved = await inbox.save(tx, known.row, known.profile, events)
        self._crash("webhook_saved")
        for topic in saved.topics:
            await self._wake.wake(topic)

    async def insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Providers do not come again after a 5xx, so what another try can mend is mended here, within the time
        that they wait. Receipts make it harmless: what was stored before the answer was lost is not new."""
        clock = asyncio.get_running_loop().time
        until, pause = clock() + PATIENCE_S, 0.05
        while True:
            try:
                return await work()
            except UNAVAILABLE as error:
                if clock() + pause > until:
                    raise
                collided = is_collision(error)
                logger.warning("webhook waits: %s", type(error).__name__)
            await asyncio.sleep(0 if collided else pause)
            pause *= 2

    async def find(self, channel_id: str) -> Known:
        """Raise NotFound."""
        if known := self._remembered(channel_id):
            return known
        try:
            key = UUID(channel_id)
        except ValueError:
            raise NotFound("there is no such channel") from None
        until = asyncio.get_running_loop().time() + REMEMBER_S
        known = self._known[str(key)] = await self._load(key, until)
        return known

    def _remembered(self, channel_id: str) -> Known | None:
        known = self._known.get(channel_id)
        return known if known and known.until > asyncio.get_running_loop().time() else None

    async def _load(self, channel_id: UUID, until: float) -> Known:
        async with self._db.dispatch() as dispatch:
            workspace_id = await channels.workspace_of(dispatch, channel_id)
        if workspace_id is None:
            raise NotFound("there is no such channel")
        async with self._db.transaction(workspace_id) as tx:
            row = await channels.get(tx, channel_id)
            assert row is not None
            return Known(row, (await workspaces.get(tx)).profile, self._open_channel(row), until)


async def read(scope: Scope, receive: Receive, public_url: str, largest: int = MAX_BYTES) -> Hook:
    """The request, whole, as the provider signed it. Raise BadPayload when it is larger than any provider's."""
    body = await _body(receive, largest)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1").partition("?")[0]
    return Hook(
        url=f"{public_url}{path}{'?' + query if query else ''}",
        headers=headers,
        form=read_form(body, headers.get("content-type", "")),
        query=parse_qsl(query, keep_blank_values=True, errors="replace") if query else [],
        body=body,
    )


async def _body(receive: Receive, largest: int) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > largest:
            raise BadPayload("the body is too large", code="too_large")
    return bytes(body)


def busy(error: BaseException) -> JSONResponse:
    logger.error("webhook not stored: %s", type(error).__name__)
    body = {"status": 503, "title": "not stored", "code": "unavailable"}
    return JSONResponse(body, 503, {"Retry-After": "5"}, media_type="application/problem+json")


def problem(error: Rejected) -> JSONResponse:
    """RFC 9457. Says what is wrong, never what would have been right to a stranger: no signature, no token."""
    body = {"status": error.http_status, "title": error.detail, "code": error.code}
    return JSONResponse(body, error.http_status, media_type="application/problem+json")
