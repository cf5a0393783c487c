"""A business with keys of every kind, its customers, and what an answer must look like."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import text

from domain.callback import WantCallback
from domain.messages import Address, Inbound, Scheme
from domain.turn import Turn, Understanding
from runtime.runtime import Runtime
from store import channels, conversations, drafts, inbox, people, turns, workspaces
from store.db import Tx, new_id
from store.turns import Claim

Api = httpx2.AsyncClient  # noqa: TID251  (ours, in this process)
ROLES = ("viewer", "agent", "admin", "owner")
_numbers = count(2_000_000)
_CLAIM = text(
    "update conversation set epoch = epoch + 1, answered_seq = 0, owner = 'ai', due_at = null where id = :id"
    " returning epoch"
)


@dataclass
class Business:
    rt: Runtime
    id: UUID
    slug: str
    keys: dict[str, str]
    persons: dict[str, UUID]

    def path(self, rest: str = "") -> str:
        return f"/api/v1/workspaces/{self.id}{rest}"

    def key(self, kind: str = "agent", **more: str) -> dict[str, str]:
        return {"X-API-Key": self.keys[kind]} | {
            name.replace("_", "-"): value for name, value in more.items()
        }

    async def customer(self, *texts: str) -> Customer:
        """Somebody new who wrote these."""
        customer = Customer(self, f"+1512{next(_numbers)}")
        for words in texts or ("Hi, are you open on Saturday?",):
            await customer.writes(words)
        return customer


@dataclass
class Customer:
    business: Business
    number: str
    conversation_id: UUID = field(default_factory=new_id)

    @property
    def path(self) -> str:
        return self.business.path(f"/conversations/{self.conversation_id}")

    async def writes(self, words: str) -> None:
        async with self._transaction() as tx:
            profile = (await workspaces.get(tx)).profile
            channel = min(await channels.listed(tx), key=lambda one: one.id)
            event = Inbound(f"SM{new_id().hex}", Address(Scheme.TEL, self.number), words)
            await inbox.save(tx, channel, profile, [event])
            newest = await conversations.page(tx, state=None, owner=None, before=None, limit=1)
            self.conversation_id = newest[0].id

    async def draft(self, words: str = "Yes, from nine to one.", hours: float = 24) -> UUID:
        """What the assistant would say, before a person."""
        async with self._transaction() as tx:
            started = await self._turn(tx)
            talk = started.turn.conversation
            return await drafts.propose(
                tx, talk.id, talk.thread_id, started.id, started.turn.base_seq, words, "low_confidence",
                tx.now + timedelta(hours=hours),
            )  # fmt: skip

    async def is_answered(self, think: Callable[[Turn], Turn]) -> None:
        """A whole turn of the assistant."""
        async with self._transaction() as tx:
            started = await self._turn(tx)
        async with self._transaction() as tx:
            turn = think(started.turn)
            assert await turns.save(tx, started.id, turn, self.business.rt.split) is turns.Outcome.SAVED

    async def _turn(self, tx: Tx) -> turns.Started:
        epoch = (await tx.execute(_CLAIM, {"id": self.conversation_id})).scalar_one()
        started = await turns.load(tx, Claim(self.business.id, self.conversation_id, epoch, "test"))
        assert started is not None
        return started

    def _transaction(self) -> Any:
        return self.business.rt.db.transaction(self.business.id)


async def waits_for_call(business: Business, at: datetime, number: str = "+15125550100") -> UUID:
    """Somebody new waits for a call at that time."""
    callback_id = new_id()

    def think(turn: Turn) -> Turn:
        who, due = turn.conversation.contact_id, at + timedelta(hours=1)
        want = WantCallback(callback_id, who, "want_human", number, 'Brakes: "they squeak"', at, due)
        understood = Understanding("request_call", 0.9, "en")
        return Turn(turn.conversation, turn.profile, turn.burst, turn.now, understood=understood).doing(want)

    await (await business.customer("call me please")).is_answered(think)
    return callback_id


async def hire(rt: Runtime, workspace_id: UUID) -> Business:
    """People and keys for this workspace."""
    async with rt.db.transaction(workspace_id) as tx:
        persons = {role: await people.add(tx, role, role.title(), f"{role}@cedar.test") for role in ROLES}
        keys = {role: await people.add_key(tx, role, person) for role, person in persons.items()}
        keys["program"] = await people.add_key(tx, "program", None)
        keys["reader"] = await people.add_key(tx, "reader", persons["owner"], ("read",))
        keys["nothing"] = await people.add_key(tx, "nothing", persons["owner"], ())
        keys["expired"] = await people.add_key(tx, "expired", None, ("*",), tx.now - timedelta(seconds=1))
        keys["revoked"] = await people.add_key(tx, "revoked", None)
        await people.revoke_keys_named(tx, "revoked")
        return Business(rt, workspace_id, (await workspaces.get(tx)).slug, keys, persons)


def is_problem(answer: httpx2.Response, status: int, code: str, *pointers: str) -> dict[str, Any]:
    """RFC 9457, complete, with these fields named."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert set(said) == {"type", "title", "status", "detail", "code", "request_id", "errors"}
    assert (said["status"], said["code"]) == (status, code)
    assert said["type"] == f"/api/v1/docs#{code}"
    assert said["request_id"] == answer.headers["x-request-id"]
    assert said["title"]
    assert said["detail"]
    assert [one["pointer"] for one in said["errors"]] == list(pointers)
    return said


def moment(told: str) -> datetime:
    """RFC 3339 with a zone."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", told), told
    return datetime.fromisoformat(told)


async def together(*requests: Awaitable[httpx2.Response]) -> list[httpx2.Response]:
    return list(await asyncio.gather(*requests))


class Shop:
    """One business's addresses, as its people call them."""

    def __init__(self, api: Api, business: Business) -> None:
        self.api, self.business = api, business

    async def ask(self, method: str, path: str, body: Any = None, who: str = "admin", **headers: str) -> Any:
        named = self.business.key(who, **headers)
        return await self.api.request(method, self.business.path(path), headers=named, json=body)

    async def make(self, path: str, body: Any) -> dict[str, Any]:
        answer = await self.ask("POST", path, body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())
