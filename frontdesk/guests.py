"""A business of this installation that is no demo, on the demo's telephone network: its numbers work there, and whoever
sits at the terminal may act as its owner for that time."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from console import desk
from frontdesk.demos import business, connect
from frontdesk.talk import Json
from runtime.demo import Business
from runtime.runtime import Runtime
from store import audit, channels, people, workspaces

KEY, KEY_LASTS = "terminal phone", timedelta(days=1)


class NumberTaken(Exception):
    """Its number is a demo's on this network; the message says whose."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One business for one sitting. Its desk is read here, not at the door: that one shows demos only."""

    rt: Runtime
    business: Business

    async def read_desk(self, which: Mapping[str, str]) -> Json:
        chosen = UUID(which["conversation"]) if which.get("conversation") else None
        async with self.rt.db.transaction(UUID(self.business.id)) as tx:
            return await desk.read(tx, chosen, which.get("number", ""))


@asynccontextmanager
async def open_guest(
    rt: Runtime, workspace_id: UUID, simulator_url: str, demos: Collection[Business]
) -> AsyncIterator[Guest]:
    """Its key is revoked at the end. Raise NumberTaken."""
    async with rt.db.transaction(workspace_id) as tx:
        identity = (await workspaces.get(tx)).profile.workspace
        listed = [one for one in await channels.listed(tx) if one.active]
        for one in demos:
            if one.number in [channel.address for channel in listed]:
                raise NumberTaken(f"{one.number} is {one.name}'s here; give {identity.name} another number")
        until = tx.now + KEY_LASTS
        key_id, key = await people.make_key(tx, KEY, None, ("*",), until, "owner")
        await audit.add(tx, "cli", "key_created", "api_key", key_id, role="owner")
    try:
        await connect(rt, listed, simulator_url)
        yield Guest(rt, business(workspace_id, identity, listed, key))
    finally:
        async with rt.db.transaction(workspace_id) as tx:
            await people.revoke_key(tx, key_id)
