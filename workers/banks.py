"""Brings a client's bank account to the broker: a page of Plaid's for its client, the tokens behind it, and the broker's
own word that it may be used. Each step may be taken twice and counts once."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID

from domain.errors import Disposition, SendFailed, SendUnknown
from domain.money import BankState
from integrations.alpaca import BrokerFailed
from integrations.alpaca_money import AlpacaMoney, Relationship
from integrations.plaid import Plaid, PlaidFailed
from runtime.runtime import Runtime
from store import banks, contacts, notifications, positions, workspaces
from store.banks import Linked
from store.notifications import Kind
from workers.base import Worker

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
SOON = timedelta(seconds=20)
OFFERED_FOR = timedelta(hours=4)
"""A link of Plaid's is good for so long."""
TRIES = 12
USABLE = ("checking", "savings")
Due = tuple[UUID, UUID]
"""(workspace, link)"""


class _Fails(Exception):
    """It will not become anything; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BankWorker(Worker[Due]):
    topic = "banks"
    at_once = 4

    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        super().__init__(rt, only)
        self._steps: dict[BankState, Callable[[UUID, Linked], Awaitable[None]]] = {
            BankState.WANTED: self._offer, BankState.OFFERED: self._finish, BankState.LINKING: self._relate,
            BankState.CHECKING: self._check, BankState.LOGIN_REQUIRED: self._renew, BankState.REMOVED: self._take_back,
        }  # fmt: skip

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await banks.claim(dispatch, limit, LEASE, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, link_id = due
        async with self._rt.db.transaction(workspace_id) as tx:
            mine = await banks.get(tx, link_id)
        step = self._steps.get(mine.bank.state)
        if step is None:
            await self._set(workspace_id, mine, mine.bank.state, None)
            return
        try:
            await step(workspace_id, mine)
        except _Fails as error:
            await self._fail(workspace_id, mine, error.reason)
        except (PlaidFailed, BrokerFailed, SendFailed) as error:
            await self._again(workspace_id, mine, error)

    # --- at Plaid ---

    async def _offer(self, workspace_id: UUID, mine: Linked) -> None:
        """A page for the client, told to them where they asked."""
        plaid, (business, language) = self._plaid(), await self._client(workspace_id, mine)
        link = await plaid.link(str(mine.contact_id), business, language, self._webhook(workspace_id))
        secrets = {"link_token": link.token, "url": link.url}
        await self._set(workspace_id, mine, BankState.OFFERED, SOON, told=True, known=secrets)

    async def _finish(self, workspace_id: UUID, mine: Linked) -> None:
        """The client is through, or not yet, or never will be."""
        plaid, token = self._plaid(), mine.secrets.get("access_token", "")
        if not token:
            public = await plaid.finished(mine.secrets["link_token"])
            if not public:
                return await self._wait(workspace_id, mine)
            item = await plaid.exchange(public)
            token = item.access_token
            if not await self._set(
                workspace_id,
                mine,
                mine.bank.state,
                SOON,
                known={"access_token": token, "item_id": item.item_id},
            ):
                return  # somebody else has it
            async with self._rt.db.transaction(workspace_id) as tx:
                mine = await banks.get(tx, mine.bank.id)
        bank, accounts = await plaid.accounts(token)
        chosen = next((one for one in accounts if one.type in USABLE), None)
        if chosen is None:
            raise _Fails("no_usable_account")
        processor = await plaid.processor_token(token, chosen.id)
        known = {"name": bank, "mask": chosen.mask, "type": chosen.type, "processor_token": processor}
        await self._set(
            workspace_id, mine, BankState.LINKING, timedelta(0), number=f"plaid:{chosen.id}", known=known
        )

    async def _wait(self, workspace_id: UUID, mine: Linked) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            age = tx.now - mine.created_at
        if age > OFFERED_FOR:
            await self._set(workspace_id, mine, BankState.FAILED, None, reason="not_finished")
        else:
            await self._set(workspace_id, mine, mine.bank.state, max(SOON, age / 4))

    async def _renew(self, workspace_id: UUID, mine: Linked) -> None:
        """The bank wants its client to sign in again: they get a page for that, and it is there when they have."""
        plaid, token = self._plaid(), mine.secrets.get("access_token", "")
        if mine.secrets.get("renewed_for") == mine.secrets.get("item_id"):
            try:
                await plaid.accounts(token)
            except PlaidFailed as error:
                if error.code != "item_login_required":
                    raise
                await self._set(workspace_id, mine, mine.bank.state, timedelta(minutes=10))
            else:
                await self._set(
                    workspace_id, mine, BankState.READY, None, told=True, known={"renewed_for": ""}
                )
            return
        business, language = await self._client(workspace_id, mine)
        link = await plaid.link(str(mine.contact_id), business, language, self._webhook(workspace_id), token)
        known = {"url": link.url, "renewed_for": mine.secrets.get("item_id", "")}
        await self._set(workspace_id, mine, mine.bank.state, timedelta(minutes=1), told=True, known=known)

    # --- at the broker ---

    async def _relate(self, workspace_id: UUID, mine: Linked) -> None:
        """Looked for before it is made: the broker keeps one bank account for each of its own."""
        broker, account = await self._at_broker(workspace_id, mine)
        there = [one for one in await broker.relationships(account) if one.alive]
        made = next((one for one in there if _is_ours(one, mine)), None)
        if made is None and there:
            raise _Fails("another_bank_at_broker")
        if made is None:
            try:
                made = await broker.relate(account, _numbers(mine))
            except SendUnknown:
                return await self._set_again(workspace_id, mine)
            except SendFailed as error:
                if error.disposition is Disposition.GIVE_UP:
                    raise _Fails("broker_refused") from None
                raise
        await self._set(workspace_id, mine, BankState.CHECKING, timedelta(0), known={"relationship": made.id})

    async def _check(self, workspace_id: UUID, mine: Linked) -> None:
        broker, account = await self._at_broker(workspace_id, mine)
        listed = await broker.relationships(account)
        found = next((one for one in listed if one.id == mine.secrets["relationship"]), None)
        if found is None or not found.alive:
            raise _Fails("broker_refused")
        if found.status != "APPROVED":
            return await self._set_again(workspace_id, mine)
        gone = dict.fromkeys(("routing", "account", "processor_token", "link_token", "url"), "")
        await self._set(workspace_id, mine, BankState.READY, None, told=True, known=gone)

    async def _take_back(self, workspace_id: UUID, mine: Linked) -> None:
        """At the broker and at Plaid; what is kept of it is its mask."""
        if relationship := mine.secrets.get("relationship"):
            broker, account = await self._at_broker(workspace_id, mine)
            if account:
                await broker.unrelate(account, relationship)
        if token := mine.secrets.get("access_token"):
            await self._plaid().remove(token)
        gone = {name: "" for name in mine.secrets if name not in ("name", "mask", "type")}
        await self._set(workspace_id, mine, BankState.REMOVED, None, known=gone)

    # --- what is written ---

    async def _set(
        self, workspace_id: UUID, mine: Linked, state: BankState, wait: timedelta | None, *,
        reason: str | None = None, attempts: int = 0, number: str = "", told: bool = False,
        known: Mapping[str, str] = MappingProxyType({}),
    ) -> bool:  # fmt: skip
        """False when it has changed meanwhile. Who has the account already has it."""
        async with self._rt.db.transaction(workspace_id) as tx:
            now = await banks.take(tx, mine.bank.id)
            if now.version != mine.version:
                return False
            at = tx.now + wait if wait is not None else None
            if not await banks.set_(
                tx, now, state, at, reason=reason, attempts=attempts, number=number, told=told, known=known
            ):
                await banks.set_(tx, now, BankState.FAILED, None, reason="linked_already", told=True)
        return True

    async def _set_again(self, workspace_id: UUID, mine: Linked) -> None:
        await self._set(workspace_id, mine, mine.bank.state, SOON)

    async def _again(self, workspace_id: UUID, mine: Linked, error: Exception) -> None:
        """What passes is tried again, a dozen times; people see to the rest."""
        logger.warning("bank link %s: %s", mine.bank.id, getattr(error, "code", type(error).__name__))
        passes = not isinstance(error, PlaidFailed) or error.passes
        if mine.attempts + 1 >= TRIES or not passes:
            return await self._fail(workspace_id, mine, getattr(error, "code", "unreachable"))
        wait = SOON * 2 ** min(mine.attempts, 6)
        await self._set(workspace_id, mine, mine.bank.state, wait, attempts=mine.attempts + 1)

    async def _fail(self, workspace_id: UUID, mine: Linked, reason: str) -> None:
        logger.warning("bank link %s came to nothing: %s", mine.bank.id, reason)
        over = mine.bank.state if mine.bank.state is BankState.REMOVED else BankState.FAILED
        if await self._set(workspace_id, mine, over, None, reason=reason, told=over is BankState.FAILED):
            async with self._rt.db.transaction(workspace_id) as tx:
                await notifications.add(tx, Kind.MONEY, subject_id=mine.bank.id, reason="bank_failed")

    # --- what is known ---

    def _plaid(self) -> Plaid:
        found = self._rt.open_plaid()
        if found is None:
            raise _Fails("plaid_not_set_up")
        return found

    async def _at_broker(self, workspace_id: UUID, mine: Linked) -> tuple[AlpacaMoney, str]:
        broker = self._rt.open_broker()
        if broker is None:
            raise _Fails("broker_not_set_up")
        async with self._rt.db.transaction(workspace_id) as tx:
            return broker, await positions.external_id(tx, mine.bank.account_id)

    async def _client(self, workspace_id: UUID, mine: Linked) -> tuple[str, str]:
        """(the business's name, the client's language)"""
        async with self._rt.db.transaction(workspace_id) as tx:
            who = await contacts.get(tx, mine.contact_id)
            profile = (await workspaces.get(tx)).profile
        return profile.workspace.name, who.language if who and who.language in ("en", "es") else "en"

    def _webhook(self, workspace_id: UUID) -> str:
        return f"{self._rt.settings.public_url}/hooks/plaid/{workspace_id}"


def _is_ours(one: Relationship, mine: Linked) -> bool:
    """By the name that we gave it."""
    return one.nickname == str(mine.bank.id) or one.id == mine.secrets.get("relationship")


def _numbers(mine: Linked) -> dict[str, str]:
    named = {"nickname": str(mine.bank.id)}
    if processor := mine.secrets.get("processor_token"):
        return named | {"processor_token": processor}
    return named | {
        "account_owner_name": mine.secrets["holder"],
        "bank_account_type": mine.bank.type.upper(),
        "bank_account_number": mine.secrets["account"],
        "bank_routing_number": mine.secrets["routing"],
    }
