"""What there is to be seen after a step of a story, and whether it is as the step expects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frontdesk.stories import compare
from frontdesk.stories.scene import Scene
from frontdesk.stories.script import ExpectedStep, Story
from frontdesk.stories.stage import Stage
from store import conversations, drafts, turns
from store.conversations import Conversation, Message
from store.drafts import Draft
from store.turns import Told


@dataclass(frozen=True, slots=True)
class Seen:
    """The state after a step."""

    conversation: Conversation | None
    messages: list[Message]
    turn: Told | None
    draft: Draft | None
    context: Mapping[str, Any]


async def look(stage: Stage, scene: Scene, story: Story) -> Seen:
    async with stage.rt.db.transaction(scene.workspace_id) as tx:
        page = await conversations.page(tx, state=None, owner=None, before=None, limit=2)
        if not page:
            return Seen(None, [], None, None, {})
        # the clock stands still: of two that moved in the same instant it is the open one
        conversation = max(page, key=lambda one: (one.updated_at, one.state != "closed", one.id))
        said = await conversations.messages(tx, conversation.id, None, 200)
        told = await turns.told(tx, conversation.id, None, 20)
        pending = await drafts.page(
            tx, state="pending", conversation_id=conversation.id, before=None, limit=1
        )
        kept = await conversations.context(tx, conversation.id)
    context = {name: one.value for name, one in kept.items()}
    context |= {"status": conversation.status} if "status" not in context else {}
    told = [one for one in told if one.reason != turns.RULES]
    return Seen(conversation, said, told[0] if told else None, pending[0] if pending else None, context)


def check_step(expect: ExpectedStep, before: Seen, seen: Seen, scene: Scene) -> list[str]:
    """What differs, in words; empty when all is as expected."""
    problems = []
    turn = seen.turn if seen.turn and (before.turn is None or seen.turn.id != before.turn.id) else None
    action = turn.action if turn else "silence"
    for name, wanted, got in (
        ("intent", expect.intent, turn and turn.intent),
        ("action", expect.action, action),
        ("reason", expect.reason, turn and turn.reason),
        ("error", expect.error, scene.error),
        ("skill", expect.skill, turn and (turn.explanation.get("skill") or None)),
        ("delivery", expect.delivery, _last_delivery(seen)),
        ("via", expect.via, _via(seen)),
        ("waits", expect.waits, _waits(seen)),
    ):
        if wanted is not None and wanted != got:
            problems.append(f"{name}: expected {wanted}, got {got}")
    if scene.error is not None and expect.error is None:
        problems.append(f"the act was refused: {scene.error}")
    problems += compare.values("context", expect.context, seen.context)
    if expect.reply is not None:
        problems += compare.reply(expect.reply, words(before, seen))
    return problems


def words(before: Seen, seen: Seen) -> str:
    """What the customer got in this step, or would get if the draft is approved."""
    known = {one.id for one in before.messages}
    said = [one.text for one in seen.messages if one.direction == "out" and one.id not in known]
    new = seen.draft and (before.draft is None or before.draft.id != seen.draft.id)
    return "\n".join([*said, *([seen.draft.text] if new and seen.draft else [])])


def _last_delivery(seen: Seen) -> str | None:
    out = [one for one in seen.messages if one.direction == "out" and one.deliveries]
    return out[-1].deliveries[-1]["state"] if out else None


def _via(seen: Seen) -> str | None:
    out = [one for one in seen.messages if one.direction == "out"]
    return out[-1].channel_kind if out else None


def _waits(seen: Seen) -> str | None:
    parts = [part for one in seen.messages for part in one.deliveries if part["state"] == "queued"]
    return parts[-1]["reason"] if parts else None
