"""Rules are heard from the next event on, also in a workspace that was stored before its rules needed the log."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from store import conversations
from tests.rig import QUESTION, Desk
from workers.rules import RuleWorker

MakeDesk = Callable[..., Awaitable[Desk]]
RULES: list[dict[str, Any]] = [
    {"name": "handed", "on": "handoff", "then": [{"add_tag": "handed"}]},
    {"name": "morning", "on": "schedule", "at": "09:00", "then": [{"add_tag": "morning"}]},
]


async def follow(desk: Desk) -> None:
    worker = RuleWorker(desk.rt, desk.workspace_id)
    for workspace_id in await worker.claim(8):
        await worker.work(workspace_id)


async def test_a_workspace_that_was_stored_by_older_software_is_heard_too(make_desk: MakeDesk) -> None:
    desk = await make_desk(rules=RULES)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        for table in ("rule_cursor", "rule_due"):
            await tx.execute(text(f"delete from {table}"))  # noqa: S608  (constant names)
    await follow(desk)  # a process begins
    assert len(await desk.rows("select rule from rule_due")) == 1
    await desk.text(QUESTION)
    await desk.settle()
    (talk,) = await desk.rows("select id from conversation")
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await conversations.take_over(tx, talk.id, desk.person_id, "person:test", "asked", timedelta(hours=8))
    await follow(desk)
    (tags,) = await desk.rows("select tags from conversation")
    assert tags.tags == ["handed"]


async def test_one_without_such_rules_is_left_alone(make_desk: MakeDesk) -> None:
    desk = await make_desk(rules=[])
    await follow(desk)
    assert await desk.rows("select workspace_id from rule_cursor") == []
