"""How a story ended, and whether it is as it expects: what was told, booked, paid, kept and sent."""

from typing import Any

from domain.messages import Scheme
from frontdesk.stories import compare, crms, moneys, payments
from frontdesk.stories.scene import Scene
from frontdesk.stories.script import ExpectedEnd, Story
from frontdesk.stories.seeing import Seen
from frontdesk.stories.stage import Stage
from frontdesk.stories.wires import address_of
from store import (
    appointments,
    callbacks,
    contacts,
    conversations,
    notifications,
    ruling,
    turns,
    waiting,
)


async def check_end(stage: Stage, scene: Scene, story: Story, seen: Seen) -> list[str]:
    expect: ExpectedEnd = story.expect
    problems = compare.values("context", expect.context, seen.context)
    got = {
        "drafts": 1 if seen.draft else 0,
        "sent": _sent(scene, story),
        "owner": seen.conversation.owner if seen.conversation else None,
        "priority": seen.conversation.priority if seen.conversation else None,
        "tags": sorted(seen.conversation.tags) if seen.conversation else None,
        "rules": await _rules(stage, scene),
        "notified": await notified(stage, scene),
        "consent": await _consent(stage, scene, story),
    }
    for name, actual in got.items():
        wanted = getattr(expect, name)
        if wanted is not None and wanted != actual:
            problems.append(f"{name}: expected {wanted}, got {actual}")
    async with stage.rt.db.transaction(scene.workspace_id) as tx:
        people_ = len(await contacts.page(tx, None, 200))
        talks = await conversations.page(tx, state="open", owner=None, before=None, limit=200)
    for name, wanted, actual in (
        ("contacts", expect.contacts, people_),
        ("conversations", expect.conversations, len(talks)),
    ):
        if wanted is not None and wanted != actual:
            problems.append(f"{name}: expected {wanted}, got {actual}")
    if expect.turns is not None and seen.conversation:
        async with stage.rt.db.transaction(scene.workspace_id) as tx:
            ran = await turns.told(tx, seen.conversation.id, None, 200)
        saved = sum(1 for one in ran if one.state == "saved" and one.reason != turns.RULES)
        if saved != expect.turns:
            problems.append(f"turns: expected {expect.turns}, got {saved}")
    if expect.money is not None:
        problems += await moneys.check(stage, scene.workspace_id, expect.money)
    if expect.payments is not None:
        problems += await payments.check(stage, scene.workspace_id, expect.payments)
    if expect.crm is not None:
        problems += crms.check(stage, expect.crm)
    if expect.waitlist is not None:
        async with stage.rt.db.transaction(scene.workspace_id) as tx:
            waited = [one.state for one in await waiting.page(tx, None, 200)]
        if waited != expect.waitlist:
            problems.append(f"waitlist: expected {expect.waitlist}, got {waited}")
    if expect.callbacks is not None:
        problems += _each("callbacks", expect.callbacks, await _callbacks(stage, scene))
    if expect.appointments is not None:
        problems += _check_appointments(expect.appointments, await _appointments(stage, scene))
    return problems


async def _rules(stage: Stage, scene: Scene) -> list[str]:
    """What rules did, oldest first."""
    async with stage.rt.db.transaction(scene.workspace_id) as tx:
        found = await ruling.runs(tx, rule=None, conversation_id=None, before=None, limit=200)
    return [one.rule for one in reversed(found)]


async def notified(stage: Stage, scene: Scene) -> list[str]:
    """The words of rules that the owner has not read, oldest first; those of one moment by the alphabet."""
    async with stage.rt.db.transaction(scene.workspace_id) as tx:
        found = await notifications.page(tx, scene.person_id, unread=True, before=None, limit=50)
    told = [(one.at, one.text) for one in found if one.kind == "rule" and one.text]
    return [text for _, text in sorted(told)]


async def _appointments(stage: Stage, scene: Scene) -> list[dict[str, Any]]:
    async with stage.rt.db.transaction(scene.workspace_id) as tx:
        found = await appointments.page(tx, start=None, end=None, contact_id=None, state=None, limit=200)
    return [
        {
            "service": one.service,
            "start": one.start,
            "end": one.end,
            "staff": one.staff,
            "name": one.name,
            "status": one.state,
        }
        for one in found
    ]


async def _callbacks(stage: Stage, scene: Scene) -> list[dict[str, Any]]:
    async with stage.rt.db.transaction(scene.workspace_id) as tx:
        found = await callbacks.page(tx, None, None, 200)
    return [
        {
            "state": str(one.state), "reason": one.reason, "number": one.number, "call_at": one.call_at,
            "wanted_at": one.wanted_at,
        }
        for one in sorted(found, key=lambda one: (one.created_at, one.id))
    ]  # fmt: skip


def _each(name: str, wanted: list[Any], got: list[dict[str, Any]]) -> list[str]:
    if len(wanted) != len(got):
        return [
            f"{name}: expected {len(wanted)}, got {len(got)} ({', '.join(one['state'] for one in got) or 'none'})"
        ]
    return [
        problem
        for n, (expected, actual) in enumerate(zip(wanted, got, strict=True))
        for problem in compare.values(f"{name}[{n}]", expected, actual)
    ]


def _check_appointments(wanted: list[Any], got: list[dict[str, Any]]) -> list[str]:
    """In the order of their beginnings; each by the keys that the story names."""
    if len(wanted) != len(got):
        shown = "; ".join(f"{one['service']} {one['start'].isoformat()} {one['status']}" for one in got)
        return [f"appointments: expected {len(wanted)}, got {len(got)} ({shown or 'none'})"]
    return [
        problem
        for n, (expected, actual) in enumerate(zip(wanted, got, strict=True))
        for problem in compare.values(f"appointments[{n}]", expected, actual)
    ]


def _sent(scene: Scene, story: Story) -> int:
    """To every address of the story's customers, over every channel."""
    numbers = dict.fromkeys((story.contact, *(one.contact for one in story.steps if one.contact)))
    numbers |= dict.fromkeys(one.verify for one in story.steps if one.verify)
    return sum(
        len(wire.sent(number))
        for _, wire in scene.lines.values()
        for number in (numbers if wire.scheme is not Scheme.WEBCHAT else [story.contact])
    )


async def _consent(stage: Stage, scene: Scene, story: Story) -> str:
    async with stage.rt.db.transaction(scene.workspace_id) as tx:
        return await contacts.consent_of(tx, address_of(scene.wire, story.contact))
