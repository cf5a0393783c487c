"""Hands on both sides, and a CRM in trouble: in the end both say the same, each customer is one contact, each closed
conversation one note, and then there is silence."""

import random
from collections.abc import Awaitable, Callable

import pytest

from tests.crm_rig import Linked, settings
from tests.rig import Desk

MakeDesk = Callable[..., Awaitable[Desk]]
KINDS = ["status", "drop_before", "drop_after", "html_error", "bad_json"]
ROUTES = [
    "contacts.upsert", "contacts.get", "contacts.update", "contacts.duplicate", "contacts.search", "tags.add",
    "tags.remove", "notes.add", "notes.list", "fields.list",
]  # fmt: skip
STATUSES = [429, 500, 503]


class Hands:
    def __init__(self, linked: Linked, seed: int) -> None:
        self.linked, self.random = linked, random.Random(seed)

    async def anything(self) -> None:
        self.linked.desk.wait(seconds=self.random.randrange(1, 90))
        await self.random.choice(
            [self.ai, self.ai, self.person, self.person_there, self.person_there, self.tag, self.tag_there, self.close,
             self.trouble, self.trouble, self.work, self.work, self.work, self.told, self.lost]
        )()  # fmt: skip

    async def ai(self) -> None:
        await self.linked.ai_sets(budget=self.random.randrange(100, 200), service="cleaning")

    async def person(self) -> None:
        await self.linked.person_sets(budget=self.random.randrange(200, 300))

    async def person_there(self) -> None:
        for one in self.linked.crm.contacts.values():
            self.linked.crm.person_sets(one.id, custom_budget=str(self.random.randrange(300, 400)))

    async def tag(self) -> None:
        talk = await self.linked.desk.conversation()
        tags = "{Lead}" if self.random.random() < 0.5 else "{}"
        await self.linked.desk.rows(
            "update conversation set tags = :t where id = :id returning id", t=tags, id=talk.id
        )

    async def tag_there(self) -> None:
        for one in self.linked.crm.contacts.values():
            add = ("vip",) if self.random.random() < 0.5 else ()
            self.linked.crm.person_tags(one.id, add=add, remove=() if add else ("vip",))

    async def close(self) -> None:
        await self.linked.close()
        self.linked.desk.wait(seconds=1)
        await self.linked.customer("and another thing")

    async def trouble(self) -> None:
        rule = {"kind": self.random.choice(KINDS), "route": self.random.choice(ROUTES), "count": 1}
        rule |= {"status": self.random.choice(STATUSES)} if rule["kind"] == "status" else {}
        self.linked.trouble(rule)

    async def work(self) -> None:
        await self.linked.hear()
        await self.linked.write()

    async def told(self) -> None:
        await self.linked.crm.deliver()

    async def lost(self) -> None:
        self.linked.crm.waiting = []


@pytest.mark.parametrize("seed", range(8))
async def test_in_the_end_both_say_the_same(make_desk: MakeDesk, seed: int) -> None:
    linked = Linked(await make_desk(**settings()))
    linked.crm.forget()
    linked.crm.hook_url = f"{linked.desk.rt.settings.public_url}/hooks/gohighlevel"
    linked.crm.hook_times, linked.crm.hook_reorder = 2, True
    await linked.connect()
    await linked.customer()
    hands = Hands(linked, seed)
    for _ in range(25):
        await hands.anything()
    linked.crm.chaos.reset()
    linked.desk.wait(hours=1)
    await linked.settle()
    linked.desk.wait(minutes=15)
    await linked.settle()
    there = linked.there
    talk = await linked.desk.conversation()
    ours = (await linked.context()).get("budget")
    if ours is not None:
        assert int(there.custom["budget"]) == ours, seed
    assert {tag for tag in there.tags if tag in ("vip", "lead")} == {tag.lower() for tag in talk.tags}, seed
    closed = await linked.desk.rows("select count(*) as n from conversation where state = 'closed'")
    assert len(there.notes) == closed[0].n, seed
    assert {row.state for row in await linked.rows()} == {"done"}, seed
    writes = linked.writes
    linked.desk.wait(minutes=15)
    await linked.settle()
    assert linked.writes == writes, seed
    linked.crm.forget()
    await linked.disconnect()
