"""A restored database, workspace by workspace, made fit to run. No process may be running on it yet."""

from dataclasses import dataclass
from datetime import timedelta

from runtime.runtime import Runtime
from store import restored, workspaces


@dataclass(frozen=True, slots=True)
class Settled:
    workspaces: int = 0
    deliveries: int = 0
    conversations: int = 0

    def told(self) -> str:
        return (
            f"restored: {self.workspaces} workspaces; {self.deliveries} deliveries are looked up at the provider before"
            f" they may leave; {self.conversations} conversations wait for a person"
        )


async def settle(rt: Runtime, look_after: timedelta) -> Settled:
    """Opens every workspace with this installation's secret, so a wrong one is found here. Raise Unreadable."""
    async with rt.db.dispatch() as dispatch:
        there = await workspaces.listed(dispatch)
    settled = Settled(len(there))
    for workspace_id, _ in there:
        async with rt.db.transaction(workspace_id) as tx:
            fenced = await restored.fence(tx, look_after)
        settled = Settled(
            settled.workspaces,
            settled.deliveries + fenced.deliveries,
            settled.conversations + fenced.conversations,
        )
    return settled
