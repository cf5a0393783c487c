"""Moves money: what was confirmed and approved is sent once, what nobody can say is looked for, what was sent is followed
until no bank can send it back."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from domain.errors import Disposition, SendFailed, SendUnknown
from domain.money import Kind, State
from integrations.alpaca import BrokerFailed
from integrations.alpaca_money import ACCOUNTS, ORDERS, TRANSFERS, AlpacaMoney, Transfer
from runtime.runtime import Runtime
from runtime.wake import EVENTS
from store import money, moving
from store.moving import CLOCKS_APART, Way
from workers.base import Worker

logger = logging.getLogger(__name__)

BUSY = timedelta(seconds=30)
Due = tuple[UUID, UUID]
"""(workspace, intent)"""
Found = tuple[str, str, str]
"""At the provider: id, its word for the state, and why."""
STATES = {Kind.TRANSFER: TRANSFERS, Kind.ORDER: ORDERS, Kind.ACCOUNT: ACCOUNTS}


class MoneyWorker(Worker[Due]):
    topic = "money"
    at_once = 4

    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        super().__init__(rt, only)
        self._lease = timedelta(seconds=rt.settings.send_lease_s)

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await moving.claim(dispatch, limit, self._lease, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, intent_id = due
        broker = self._rt.open_broker()
        async with self._rt.db.transaction(workspace_id) as tx:
            way = await moving.begin(tx, intent_id, self._lease, can_send=broker is not None)
        if broker is None:
            logger.warning("money waits: ALPACA_API_KEY and ALPACA_API_SECRET are not set")
        elif way is not None and way.send:
            await self._send(workspace_id, broker, way)
        elif way is not None:
            await self._look(workspace_id, broker, way)
        await self._rt.wake.wake(EVENTS)

    async def _send(self, workspace_id: UUID, broker: AlpacaMoney, way: Way) -> None:
        self._rt.crash("money_sending")
        try:
            provider_id, said = await _place(broker, way)
        except SendUnknown as error:
            logger.warning("%s %s is unknown: %s", way.asked.intent.kind, way.asked.id, error)
            await self._unknown(workspace_id, way)
        except SendFailed as error:
            await self._failed(workspace_id, way, error)
        else:
            self._rt.crash("money_sent")
            await self._sent(workspace_id, way, [(provider_id, said, "")])
            self._rt.crash("money_recorded")

    async def _unknown(self, workspace_id: UUID, way: Way) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            mine = await money.take(tx, way.asked.id)
            if mine.state is State.SENDING:
                await moving.unknown(tx, mine)

    async def _failed(self, workspace_id: UUID, way: Way, error: SendFailed) -> None:
        """It was surely not taken."""
        async with self._rt.db.transaction(workspace_id) as tx:
            mine = await money.take(tx, way.asked.id)
            if mine.state not in (State.SENDING, State.UNKNOWN):
                return
            if error.disposition is Disposition.GIVE_UP:
                await moving.failed(tx, mine, error.provider_code or "refused", str(error)[:200])
            else:
                await moving.later(tx, mine, BUSY)

    async def _sent(self, workspace_id: UUID, way: Way, found: Sequence[Found]) -> bool:
        """The first of these that is nobody else's is this one; False when there is none."""
        async with self._rt.db.transaction(workspace_id) as tx:
            await money.alone(tx)
            mine = await money.take(tx, way.asked.id)
            if mine.state not in (State.SENDING, State.UNKNOWN, State.FAILED):
                return True
            taken = await moving.ours(tx, mine.intent.kind, [one[0] for one in found])
            free = [one for one in found if one[0] not in taken]
            if not free:
                return False
            await moving.sent(tx, mine, free[0][0], free[0][1])
        return True

    async def _look(self, workspace_id: UUID, broker: AlpacaMoney, way: Way) -> None:
        try:
            found = await _find(broker, way)
        except BrokerFailed as error:
            logger.warning("%s %s was not looked at: %s", way.asked.intent.kind, way.asked.id, error.code)
            return  # the lease brings it back
        if way.asked.provider_id is not None and way.asked.state is not State.FAILED:
            return await self._follow(workspace_id, way, found)
        if await self._sent(workspace_id, way, found):
            return
        async with self._rt.db.transaction(workspace_id) as tx:
            mine = await money.take(tx, way.asked.id)
            if mine.state in (State.SENDING, State.UNKNOWN, State.FAILED):
                await moving.absent(tx, mine, way.looked)

    async def _follow(self, workspace_id: UUID, way: Way, found: Sequence[Found]) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            mine = await money.take(tx, way.asked.id)
            for provider_id, said, reason in found:
                if provider_id == mine.provider_id:
                    state = STATES[mine.intent.kind].get(said, mine.state)
                    return await moving.followed(tx, mine, state, said, reason)
            await moving.followed(tx, mine, mine.state, mine.provider_state or "", "")


async def _place(broker: AlpacaMoney, way: Way) -> tuple[str, str]:
    """Once. Raise SendFailed, SendUnknown."""
    intent, told = way.asked.intent, way.asked.intent.details
    match intent.kind:
        case Kind.TRANSFER:
            made = await broker.transfer(way.account, way.relationship, intent.amount, intent.direction)
            return made.id, made.status
        case Kind.ORDER:
            body = {
                "symbol": told["symbol"], "qty": told["quantity"], "side": told["side"], "type": "limit",
                "limit_price": told["limit"], "time_in_force": "day", "client_order_id": str(way.asked.id),
            }  # fmt: skip
            order = await broker.order(way.account, body)
            return order.id, order.status
        case Kind.ACCOUNT:
            contact = {"email_address": told["email"]}
            identity = {"given_name": told["given"], "family_name": told["family"]}
            return await broker.open({"contact": contact, "identity": identity})


async def _find(broker: AlpacaMoney, way: Way) -> list[Found]:
    """What at the provider is this one, or could be: the oldest first. Raise BrokerFailed."""
    intent = way.asked.intent
    match intent.kind:
        case Kind.TRANSFER:
            listed = await broker.transfers(way.account) if way.account else []
            known = sorted(
                (one for one in listed if _fits(one, way)), key=lambda one: (one.created_at, one.id)
            )
            return [(one.id, one.status, one.reason) for one in known]
        case Kind.ORDER:
            order = await broker.order_of(way.account, str(way.asked.id))
            return [(order.id, order.status, "")] if order else []
        case Kind.ACCOUNT:
            applied = await broker.applied(intent.details["email"])
            return [(*applied, "")] if applied else []


def _fits(one: Transfer, way: Way) -> bool:
    """The provider keeps no id of ours: it is told by all that it has, and by there being no other under way."""
    asked = way.asked
    if asked.provider_id is not None:
        return one.id == asked.provider_id
    told = (one.direction, one.amount, one.relationship_id)
    since = asked.started_at
    return (
        since is not None
        and told == (asked.intent.direction, asked.intent.amount, way.relationship)
        and one.created_at >= since - CLOCKS_APART
    )
