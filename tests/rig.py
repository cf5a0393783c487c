"""What the tests of store, workers and webhooks share: a business on the stage, its customers' telephones, and
eyes for what came of it."""

import asyncio
import base64
import hmac
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx2
from sqlalchemy import text

from domain.messages import Address, Scheme
from domain.turn import Passage, Understanding
from domain.workspace import Profile
from frontdesk.stories.stage import Stage
from runtime import files
from runtime.runtime import Runtime
from store import channels, contacts, conversations, people, turns
from store.conversations import Conversation, Message
from store.db import new_id
from store.turns import Told
from workers.deliver import DeliveryWorker
from workers.turns import TurnWorker

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
"""A Monday, ten in the morning in Chicago."""
HOURS = {"mon-fri": "08:00-17:00"}
QUESTION = "What are your hours?"
NOBODY = "01a1ff7e-2969-70b8-9880-3f314110eb98"
"""An id that nothing has. Tests are named by their parameters, so that these must not be made anew in every process."""
_numbers = itertools.count(2_000_000)


def new_number() -> str:
    """A telephone number in Texas that no other test has."""
    return f"+1512{next(_numbers)}"


@dataclass
class Desk:
    """One business with one channel and a number at the provider, and one customer's telephone."""

    stage: Stage
    workspace_id: UUID
    person_id: UUID
    channel_id: UUID
    number: str
    handset: str
    credentials: dict[str, str]

    @property
    def rt(self) -> Runtime:
        return self.stage.rt

    # --- what customers and time do ---

    async def text(
        self,
        words: str,
        *,
        handset: str | None = None,
        times: int = 1,
        media: Sequence[dict[str, str]] = (),
        sign_with: str | None = None,
    ) -> list[int]:
        """The customer writes; the statuses that the webhook answered."""
        url = f"{self.stage.provider.url}/sim/handsets/{handset or self.handset}/messages"
        body = {
            "to": self.number,
            "body": words,
            "times": times,
            "media": list(media),
            "sign_with": sign_with,
        }
        reply = await self.rt.http.post(url, json=body)
        assert reply.status_code == 200, reply.text
        await self.read()
        return [one["status"] for one in reply.json()["webhook"]]

    async def settle(self) -> None:
        """Until nothing is due and the provider has said everything that it has to say."""
        while True:
            await self.stage.settle(self.workspace_id)
            if not await self.provider_quiet():
                return

    async def provider_quiet(self) -> bool:
        """Wait for the provider's own tasks; return whether there were any."""
        tasks = list(self.stage.provider.state.tasks)
        await asyncio.gather(*tasks)
        return bool(tasks)

    def wait(self, **time: float) -> None:
        assert self.stage.clock.frozen is not None
        self.stage.clock.frozen += timedelta(**time)

    def trouble(self, *rules: dict[str, Any]) -> None:
        """Chaos at the provider, for requests that send to this customer (or for every list)."""
        whole = [rule if "route" in rule else {"route": "messages.create", **rule} for rule in rules]
        self.stage.provider.state.chaos.load(
            [rule | ({"to": self.handset} if rule["route"] == "messages.create" else {}) for rule in whole]
        )

    # --- what the business does ---

    async def person_writes(self, words: str) -> UUID:
        found = await self.conversation()
        async with self.rt.db.transaction(self.workspace_id) as tx:
            return await conversations.reply(
                tx, found.id, self.person_id, "person:test", words, self.rt.split, timedelta(hours=8)
            )

    def turn_worker(self, name: str = "test", **citizens: Any) -> TurnWorker:
        return TurnWorker(replace(self.rt, **citizens), name, self.workspace_id)

    def delivery_worker(self) -> DeliveryWorker:
        return DeliveryWorker(self.rt, self.workspace_id)

    async def read(self) -> None:
        """What was acknowledged stands in its conversations."""
        await self.stage.read(self.workspace_id)

    async def turn(self, **citizens: Any) -> None:
        """The turns that are due, without what follows from them."""
        await self.read()
        worker = self.turn_worker(**citizens)
        for claim in await worker.claim(8):
            await worker.work(claim)

    async def deliver(self) -> int:
        """The deliveries that are due; how many there were."""
        await self.read()
        worker = self.delivery_worker()
        claimed = await worker.claim(8)
        for one in claimed:
            await worker.work(one)
        return len(claimed)

    # --- what there is to see ---

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        await self.read()
        async with self.rt.db.transaction(self.workspace_id) as tx:
            return list((await tx.execute(text(sql), values)).all())

    async def conversation(self) -> Conversation:
        await self.read()
        async with self.rt.db.transaction(self.workspace_id) as tx:
            return (await conversations.page(tx, state=None, owner=None, before=None, limit=1))[0]

    async def messages(self) -> list[Message]:
        await self.read()
        async with self.rt.db.transaction(self.workspace_id) as tx:
            found = await conversations.page(tx, state=None, owner=None, before=None, limit=1)
            return await conversations.messages(tx, found[0].id, None, 200) if found else []

    async def said(self, author: str) -> list[str]:
        return [one.text for one in await self.messages() if one.author == author]

    async def turns(self) -> list[Told]:
        """Oldest first."""
        found = await self.conversation()
        async with self.rt.db.transaction(self.workspace_id) as tx:
            return (await turns.told(tx, found.id, None, 100))[::-1]

    async def deliveries(self) -> list[Any]:
        return await self.rows("select * from delivery order by seq, part")

    async def states(self) -> list[str]:
        return [one.state for one in await self.deliveries()]

    async def consent(self) -> str:
        async with self.rt.db.transaction(self.workspace_id) as tx:
            return await contacts.consent_of(tx, Address(Scheme.TEL, self.handset))

    async def channel(self) -> channels.ChannelRow:
        async with self.rt.db.transaction(self.workspace_id) as tx:
            found = await channels.get(tx, self.channel_id)
        assert found is not None
        return found

    def ledger(self, handset: str | None = None) -> list[str]:
        """What the provider took from us for the customer, in its order."""
        all_ = self.stage.provider.state.messages.values()
        return [one.body for one in all_ if one.origin == "api" and one.to == (handset or self.handset)]

    def from_provider(self) -> list[str]:
        """What the provider itself answered the customer."""
        all_ = self.stage.provider.state.messages.values()
        return [one.body for one in all_ if one.origin == "opt_out" and one.to == self.handset]

    def asked(self, route: str = "messages.create") -> int:
        """How often the provider was asked this about the customer."""
        heard = self.stage.provider.state.requests
        return sum(
            1
            for one in heard
            if one["route"] == route and self.handset in (one["form"].get("To"), one["query"])
        )

    # --- at the webhook's door, without the simulator ---

    def url(self, what: str = "messages", channel_id: UUID | None = None) -> str:
        return f"{self.rt.settings.public_url}/channels/{channel_id or self.channel_id}/{what}"

    async def post(
        self,
        form: Sequence[tuple[str, str]],
        *,
        url: str | None = None,
        token: str | None = None,
        read: bool = True,
    ) -> httpx2.Response:
        """A form as the provider would post it, signed with the channel's token or another one. What is not `read` is
        acknowledged and waits in the line."""
        url = url or self.url()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": sign(token or self.credentials["auth_token"], url, form),
        }
        reply = await self.rt.http.post(url, content=urlencode(form), headers=headers)
        if read:
            await self.read()
        return reply

    async def report(self, sid: str, status: str, message_id: UUID, part: int = 0, **more: str) -> int:
        """A status callback, as the provider would post it."""
        form = [
            ("MessageSid", sid), ("SmsSid", sid), ("MessageStatus", status), ("SmsStatus", status),
            ("AccountSid", self.credentials["account_sid"]), *more.items(),
        ]  # fmt: skip
        url = f"{self.url('status')}?m={message_id}&p={part}"
        return (await self.post(form, url=url)).status_code

    def inbound(self, words: str, sid: str, **more: str) -> list[tuple[str, str]]:
        form = {
            "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "SmsStatus": "received", "NumMedia": "0",
            "AccountSid": self.credentials["account_sid"], "From": self.handset, "To": self.number, "Body": words,
        }  # fmt: skip
        return [*(form | more).items()]


def sign(token: str, url: str, form: Sequence[tuple[str, str]]) -> str:
    """X-Twilio-Signature: https://www.twilio.com/docs/usage/security#validating-requests"""
    signed = url + "".join(key + value for key, value in sorted(set(form)))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), sha1).digest()).decode()


def business(**changes: Any) -> dict[str, Any]:
    """A small business, as YAML would give it, that knows its opening hours."""
    channel = {"kind": "twilio_sms", "address": new_number(), "debounce": "0s", "per_second": 1000}
    basis: dict[str, Any] = {
        "workspace": {"slug": f"test-{new_id()}", "name": "Cedar Dental", "timezone": "America/Chicago"},
        "hours": HOURS,
        "channels": [channel | changes.pop("channel", {})],
    }
    return basis | changes


async def open_desk(stage: Stage, *, account: dict[str, str] | None = None, **changes: Any) -> Desk:
    """A business of its own at the provider's one account, or at `account`."""
    file = files.check(business(**changes), "test", ROOT)
    config = stage.provider.state.config
    credentials = account or {"account_sid": config.account_sid, "auth_token": config.auth_token}
    workspace_id = await files.apply(stage.rt, file, credentials)
    async with stage.rt.db.transaction(workspace_id) as tx:
        person_id = await people.add(tx, "owner", "Olive Owner", "olive@example.com")
        channel = (await channels.listed(tx))[0]
    desk = Desk(stage, workspace_id, person_id, channel.id, channel.address, new_number(), credentials)
    stage.provider.state.add_account(credentials["account_sid"], credentials["auth_token"])
    stage.provider.state.add_number(credentials["account_sid"], channel.address, {"SmsUrl": desk.url()})
    return desk


class Thinking:
    """A retriever that thinks until it may go on, and then knows the opening hours."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def search(
        self, workspace_id: UUID, question: str, limit: int, *, asked_as: str = ""
    ) -> Sequence[Passage]:
        self.asked.set()
        await self.may_answer.wait()
        words = "Our opening hours are Monday to Friday from 8 am to 5 pm."
        return [Passage(new_id(), "hours.md", "Opening hours", words, 1.0)]


class Broken:
    """An understander that always raises, with the customer's words in its mouth."""

    def prepare(self, profile: Profile) -> None:
        """Nothing takes long."""

    def understand(self, text: str, profile: Profile, now: datetime) -> Understanding:
        raise RuntimeError(f"cannot understand {text}")


@asynccontextmanager
async def thinking(
    desk: Desk, thought: Thinking, name: str = "thinker"
) -> AsyncIterator["asyncio.Task[None]"]:
    """The one due turn, stopped in the middle of its thought; it goes on when the block ends."""
    worker = desk.turn_worker(name, knowledge=thought)
    (claim,) = await worker.claim(8)
    task = asyncio.create_task(worker.work(claim))
    await thought.asked.wait()
    try:
        yield task
    finally:
        thought.may_answer.set()
        await task
