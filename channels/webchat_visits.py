"""Visitors of web chats, however they come: who they are, what they said, what they have seen and have yet to see. What a
visitor writes goes the way of every message: store.inbox, wake, and only then the ack."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from channels import webchat_codes, webchat_limits, webchat_origin, webchat_token
from channels.webchat import WebChat
from channels.webchat_frames import Code, Said, Seen, Verify, show
from channels.webchat_limits import Limits, network_of
from channels.webchat_rooms import Load, Room, Rooms, Tab
from channels.webchat_token import Visitor
from channels.webhooks import Known, Webhooks
from domain.errors import Conflict, Invalid, NotFound
from domain.messages import Address, DeliveryState, Inbound, Media, Scheme, Status
from domain.ports import Waker
from store import attachments, inbox, verifications, visitors
from store.channels import ChannelRow
from store.db import TRACE, UNAVAILABLE, Database, new_id
from store.verifications import Proof
from store.visitors import Line, Standing

logger = logging.getLogger(__name__)

_SEEN: dict[bool, tuple[DeliveryState, ...]] = {
    False: (DeliveryState.ACCEPTED,),
    True: (DeliveryState.ACCEPTED, DeliveryState.DELIVERED),
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


class Visits:
    def __init__(
        self, db: Database, wake: Waker, hooks: Webhooks, public_url: str, crash: Callable[[str], None],
        limits: Limits, poll_s: float, page: int,
    ) -> None:  # fmt: skip
        self.db, self.limits = db, limits
        self._wake, self._hooks, self._public_url, self._crash = wake, hooks, public_url, crash
        self.rooms = Rooms(self._moved, poll_s, page)

    async def find(self, request: HTTPConnection) -> Known:
        known = await self._hooks.find(request.path_params["channel_id"])
        if not isinstance(known.channel, WebChat) or not known.row.active:
            raise NotFound("there is no such chat")
        return known

    def check_origin(self, connection: HTTPConnection, known: Known) -> str | None:
        """The page's origin, or None for a program. Raise NotPermitted."""
        return webchat_origin.check(connection.headers, _origins(known), self._public_url)

    async def guest(self, known: Known, token: str) -> Guest:
        async with self.db.transaction(known.row.workspace_id) as tx:
            visitor = webchat_token.read(tx.vault, token, known.row.id, tx.now)
            return Guest(known, visitor, visitors.key(tx, visitor.id))

    def loader(self, guest: Guest) -> Load:
        async def load(after: int, limit: int) -> tuple[Standing, Sequence[Line]]:
            async with self.db.transaction(guest.row.workspace_id) as tx:
                return await visitors.look(tx, guest.visitor.id, after, limit)

        return load

    async def _moved(self, keys: list[bytes]) -> dict[bytes, int]:
        async with self.db.dispatch() as dispatch:
            return await visitors.moved(dispatch, keys)

    async def say(self, guest: Guest, said: Said) -> int:
        """Store it, wake who shall know, and return its seq; the same id again is the same message."""
        self.limits.take(webchat_limits.MESSAGES_PER_VISITOR, guest.visitor.id)
        TRACE.set(str(new_id()))
        saved, seq = await self._hooks.insist(lambda: self._save(guest, said))
        self._crash("chat_saved")
        for topic in saved.topics:
            await self._wake.wake(topic)
        await self._wake.wake(f"visitor:{guest.visitor.id}")
        if saved.turns and (room := self.rooms.find(guest.visitor.id)):
            room.tell(show("typing", author="assistant"))
        return seq

    async def _save(self, guest: Guest, said: Said) -> tuple[inbox.Saved, int]:
        row, visitor = guest.row, guest.visitor
        async with self.db.transaction(row.workspace_id) as tx:
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

    async def prove(self, guest: Guest, frame: Verify | Code, network: str) -> dict[str, str]:
        """The frame that answers. Raise TooMany, or Invalid: no_number, no_way (nobody's fault but the business's),
        wrong_code, code_expired."""
        row, visitor = guest.row, guest.visitor
        if isinstance(frame, Verify):
            self.limits.take(webchat_limits.CODES_PER_IP, network)
            async with self.db.transaction(row.workspace_id) as tx:
                language = visitor.language or guest.known.profile.assistant.languages[0]
                await webchat_codes.send(tx, guest.known.profile, visitor.id, frame.to, language)
            await self._wake.wake("deliveries")
            return {"type": "verify", "state": "sent"}
        self.limits.take(webchat_limits.TRIES_PER_IP, network)
        async with self.db.transaction(row.workspace_id) as tx:
            proof = await verifications.prove(tx, visitor.id, frame.code)
        if proof is not Proof.GIVEN:
            raise Invalid("this is not the code, or not any more", code=proof.value)
        await self._wake.wake("turns")
        return {"type": "verified"}

    async def see(self, guest: Guest, seen: Seen) -> None:
        """The visitor's browser has it, or the visitor has: the same reports that a provider would make."""
        state = DeliveryState.READ if seen.read else DeliveryState.DELIVERED
        async with self.db.transaction(guest.row.workspace_id) as tx:
            waiting = await visitors.not_yet(tx, guest.visitor.id, seen.seq, _SEEN[seen.read])
            reports = [
                Status(f"{message}:{part}", state, state.value, message_id=message, part=part)
                for message, part in waiting
            ]
            await inbox.save(tx, guest.row, guest.known.profile, reports)

    async def frames(self, room: Room, tab: Tab) -> AsyncIterator[list[str]]:
        """The room's, also when the database is away for a while."""
        while not tab.overrun:
            try:
                async for said in room.frames(tab):
                    yield said
            except UNAVAILABLE as error:
                logger.warning("the database is away: %s", type(error).__name__)
                await asyncio.sleep(1)


def _origins(known: Known) -> Sequence[str]:
    said = known.row.settings.get("origins")
    return [str(one) for one in said] if isinstance(said, list) else []


def asker(connection: HTTPConnection) -> str:
    """Whom to count: the network that asks."""
    return network_of(connection.client.host if connection.client else "")


def resume_at(said: str | None) -> int:
    """Where to resume; what is no number is the beginning."""
    return int(said) if said and said.isascii() and said.isdecimal() and len(said) < 16 else 0
