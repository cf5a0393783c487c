"""A restored database, workspace by workspace, made fit to run. No process may be running on it yet."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.errors import BadPayload, SendFailed
from domain.messages import Inbound
from runtime.runtime import Runtime
from store import channels, restored, workspaces
from store.channels import ChannelRow

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Settled:
    workspaces: int = 0
    deliveries: int = 0
    conversations: int = 0
    messages: int = 0
    unasked: tuple[UUID, ...] = ()
    """Channels whose provider did not say what came since the backup."""

    def told(self) -> str:
        return (
            f"restored: {self.workspaces} workspaces; {self.messages} messages that came after the backup were fetched"
            f" from providers; {self.deliveries} deliveries are looked up before they may leave;"
            f" {self.conversations} conversations of the backup wait for a person"
        )


async def settle(rt: Runtime, look_after: timedelta) -> Settled:
    """Opens every workspace with this installation's secret, so a wrong one is found here. Doing it again does no
    harm. Raise Unreadable."""
    async with rt.db.dispatch() as dispatch:
        there = await workspaces.listed(dispatch)
    settled = Settled(len(there))
    for workspace_id, _ in there:
        async with rt.db.transaction(workspace_id) as tx:
            since = await restored.since(tx)
            fenced = await restored.fence(tx, look_after)
            rows = await channels.listed(tx)
        settled.deliveries += fenced.deliveries
        settled.conversations += fenced.conversations
        for row in rows:
            await _recover(rt, row, since, settled)
    return settled


async def _recover(rt: Runtime, row: ChannelRow, since: datetime, settled: Settled) -> None:
    """What customers wrote after the backup, their opt-outs above all, where the provider keeps a list."""
    try:
        held = await rt.open_channel(row).missed(rt.http, since)
    except (SendFailed, BadPayload, KeyError) as error:
        logger.warning("channel %s: the provider was not asked: %s", row.id, type(error).__name__)
        settled.unasked += (row.id,)
        return
    for event in held:
        async with rt.db.transaction(row.workspace_id) as tx:
            profile = (await workspaces.get(tx)).profile
            if isinstance(event, Inbound) and await restored.recover(tx, row, profile, event):
                settled.messages += 1
