"""Messages of which nobody knows whether they left: what to look for at the provider, and whose is what it has."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from domain.messages import Outbound
from store import channels, outcomes
from store.channels import ChannelRow
from store.db import Tx
from store.outcomes import RECONCILE_AFTER
from store.sending import outbound_to

RECONCILE_FOR = timedelta(minutes=2)
CLOCKS_APART = timedelta(minutes=5)
"""By how much the provider's clock may be behind ours without a message that left being taken for lost."""

_LAST_ATTEMPT = text(
    "select d.*, a.started_at, v.value, v.scheme from delivery d join delivery_attempt a on a.workspace_id = d.workspace_id"
    " and a.delivery_id = d.id and a.n = d.attempts join contact_address v on v.workspace_id = d.workspace_id"
    " and v.id = d.address_id where d.id = :id and d.state in ('sending', 'unknown') for update of d"
)
_TAKEN_IDS = text(
    "select provider_id from delivery where channel_id = :channel and provider_id = any(:ids)"
    " union select provider_id from delivery_attempt where provider_id = any(:ids)"
)


@dataclass(frozen=True, slots=True)
class Lost:
    """A delivery of which nobody knows whether it left."""

    delivery_id: UUID
    attempt: int
    channel: ChannelRow
    outbound: Outbound
    since: datetime
    """It was not sent before this, by the provider's clock."""
    give_up: bool
    """It has been absent from the provider's list for so long that it surely never left."""


async def lost(tx: Tx, delivery_id: UUID, status_url: Callable[[UUID, UUID, int], str]) -> Lost | None:
    """What to look for at the provider; None when it is settled by now."""
    row = (await tx.execute(_LAST_ATTEMPT, {"id": delivery_id})).first()
    if row is None:
        return None
    await outcomes.look_again(tx, delivery_id, RECONCILE_AFTER * 3)
    channel = await channels.get(tx, row.channel_id)
    assert channel is not None
    outbound = outbound_to(tx, row, row, channel.id, status_url)
    give_up = tx.now - row.started_at > RECONCILE_FOR
    return Lost(row.id, row.attempts, channel, outbound, row.started_at - CLOCKS_APART, give_up)


async def known_ids(tx: Tx, channel_id: UUID, provider_ids: list[str]) -> set[str]:
    """Those of the provider's ids that already belong to one of our deliveries."""
    rows = await tx.execute(_TAKEN_IDS, {"channel": channel_id, "ids": provider_ids})
    return {row.provider_id for row in rows}
