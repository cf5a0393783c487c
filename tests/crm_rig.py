"""A business with a CRM, on the stage: customers who write here, people who type there, and eyes for both sides."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.messages import Address, Keyword, Scheme
from domain.turn import SetField
from simulators.gohighlevel import Simulation
from simulators.gohighlevel.state import Contact
from store import contacts, contexts, conversations, crm_links
from tests.rig import Desk
from workers.crm_reader import CrmReader
from workers.crm_writer import CrmWriter

Json = dict[str, Any]
SCHEMA: Json = {
    "name": "visit",
    "fields": [
        {"name": "budget", "type": "integer"},
        {"name": "service", "type": "choice", "options": ["cleaning", "whitening"]},
        {"name": "plan", "type": "text"},
        {"name": "health", "type": "text", "pii": True},
    ],
    "workflow": {"initial": "new", "statuses": ["new", "won"], "transitions": [{"from": "new", "to": "won"}]},
}
MAPPING: Json = {
    "kind": "gohighlevel",
    "fields": [
        {"ours": "contact.name", "theirs": "name", "direction": "both"},
        {"ours": "contact.phone", "theirs": "phone"},
        {"ours": "contact.email", "theirs": "email"},
        {"ours": "contact.language", "theirs": "custom.language", "direction": "both"},
        {"ours": "budget", "theirs": "custom.budget", "direction": "both"},
        {"ours": "service", "theirs": "custom.service"},
        {"ours": "plan", "theirs": "custom.plan", "direction": "in"},
        {"ours": "conversation.status", "theirs": "custom.status"},
    ],
    "tags": {"direction": "both", "only": ["vip", "Lead"], "always": ["frontdesk"]},
    "note": {"parts": ["status", "tags", "fields", "messages"], "fields": ["service"]},
}
"""`health` is mapped by nothing."""


def settings(**changes: Any) -> Json:
    """A business that has both."""
    return {"schemas": [SCHEMA], "integrations": {"crm": MAPPING | changes}}


@dataclass
class Linked:
    desk: Desk

    @property
    def crm(self) -> Simulation:
        return self.desk.stage.crm.state

    async def connect(self) -> UUID:
        config = self.crm.config
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            return await crm_links.connect(tx, config.location, next(iter(self.crm.tokens)))

    async def disconnect(self) -> None:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            if (link := await crm_links.now(tx)) is not None:
                await crm_links.remove(tx, link.id)

    # --- both ways ---

    async def write(self) -> int:
        """Who is due; how many they were."""
        worker = CrmWriter(self.desk.rt, self.desk.workspace_id)
        claimed = await worker.claim(50)
        for one in claimed:
            await worker.work(one)
        return len(claimed)

    async def poll(self) -> int:
        """As when somebody asks for it."""
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            await crm_links.poll_soon(tx)
        return await self.hear()

    async def hear(self) -> int:
        """What it told, if anything."""
        worker = CrmReader(self.desk.rt, self.desk.workspace_id)
        claimed = await worker.claim(5)
        for one in claimed:
            await worker.work(one)
        return len(claimed)

    async def settle(self) -> None:
        """Until both sides have said all that they have to say."""
        for _ in range(4):
            await self.desk.settle()
            await self.crm.deliver()
            await self.poll()
            while await self.write():
                continue

    # --- here ---

    async def customer(self, words: str = "hi there") -> UUID:
        """The contact of whoever wrote this, and was answered; the CRM has not heard of it."""
        await self.desk.text(words)
        await self.desk.turn()
        await self.desk.deliver()
        await self.desk.provider_quiet()
        return (await self.desk.conversation()).contact_id

    async def ai_sets(self, **fields: Any) -> None:
        talk = await self.desk.conversation()
        changes = [SetField(name, value, 0.9, 1, str(value)) for name, value in fields.items()]
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            await conversations.hold(tx, talk.id)
            await contexts.set_by_ai(tx, talk.id, None, changes)

    async def person_sets(self, **fields: Any) -> None:
        talk = await self.desk.conversation()
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            await conversations.hold(tx, talk.id)
            await contexts.set_by_person(tx, talk.id, self.desk.person_id, fields)

    async def person_names(self, contact_id: UUID, name: str) -> None:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            await contacts.change(tx, contact_id, {"name": name}, "person:test", lambda version: True)

    async def close(self) -> UUID:
        talk = await self.desk.conversation()
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            await conversations.close(tx, talk.id, "person:test")
        return talk.id

    async def start(self, handset: str | None = None) -> None:
        """The customer says START, at a desk whose provider has no word of it."""
        address = Address(Scheme.TEL, handset or self.desk.handset)
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            held = await contacts.hold(tx, address)
            await contacts.record_consent(tx, held.id, Keyword.START, "keyword", "START", None)

    async def context(self) -> Json:
        talk = await self.desk.conversation()
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            return {name: one.value for name, one in (await contexts.current(tx, talk.id)).items()}

    async def tags(self) -> list[str]:
        return sorted((await self.desk.conversation()).tags)

    async def name(self, contact_id: UUID) -> str | None:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            found = await contacts.get(tx, contact_id)
        return found.name if found else None

    async def rows(self, table: str = "crm_contact") -> Sequence[Any]:
        order = {"crm_change": "n", "crm_receipt": "received_at"}.get(table, "updated_at")
        return await self.desk.rows(f"select * from {table} order by {order}")  # noqa: S608  (constant names)

    async def outcomes(self) -> list[tuple[str, str]]:
        """(field, what became of it), oldest first."""
        return [(one.field, one.outcome) for one in await self.rows("crm_change")]

    async def link(self) -> crm_links.Link:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            found = await crm_links.now(tx)
        assert found is not None
        return found

    # --- there ---

    @property
    def there(self) -> Contact:
        """The one that there is."""
        (one,) = self.crm.contacts.values()
        return one

    def asked(self, *routes: str) -> int:
        return sum(one in routes for one in self.crm.asked)

    def trouble(self, *rules: Json) -> None:
        self.crm.chaos.load(list(rules))

    async def sending(self) -> None:
        """Until a new contact is on its way there."""
        async with asyncio.timeout(10):
            while not self.asked("contacts.upsert"):  # noqa: ASYNC110  (the simulator has no event for it)
                await asyncio.sleep(0.01)

    @property
    def writes(self) -> int:
        """How often anything was changed there by us."""
        return self.asked(
            "contacts.upsert",
            "contacts.update",
            "contacts.delete",
            "tags.add",
            "tags.remove",
            "notes.add",
            "notes.put",
        )
