"""Plays a story on a stage, step by step, and says where it first left the script."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from frontdesk.stories import payments
from frontdesk.stories.acts import act
from frontdesk.stories.ending import check_end, notified
from frontdesk.stories.scene import Departed, Scene, build, settle
from frontdesk.stories.script import Step, Story
from frontdesk.stories.seeing import Seen, check_step, look, words
from frontdesk.stories.stage import Stage
from frontdesk.stories.wires import KINDS
from runtime import files

Watch = Callable[[Step, Seen, Seen, str], None]
"""What came of each step: the state before and after, and the words the customer got or would get."""


async def play(stage: Stage, story: Story, root: Path, watch: Watch | None = None) -> None:
    """Raise Departed at the first difference, BadFile when the story's workspace is wrong."""
    if story.channel not in KINDS:
        raise Departed(f"channel {story.channel} does not exist in this version; {', '.join(KINDS)} do")
    stage.clock.frozen = story.now
    stage.provider.state.forget()
    stage.meta.state.forget()
    payments.prepare(stage)
    scene = await build(stage, story, root)
    for n, step in enumerate(story.steps, 1):
        before = await look(stage, scene, story)
        await act(stage, scene, story, step, before)
        await settle(stage, scene)
        seen = await look(stage, scene, story)
        if watch is not None:
            watch(step, before, seen, words(before, seen))
        problems = check_step(step.expect, before, seen, scene)
        if problems:
            raise Departed(await _report(stage, scene, f"step {n} ({_name(step)})", problems, seen))
    seen = await look(stage, scene, story)
    problems = await check_end(stage, scene, story, seen)
    if problems:
        raise Departed(await _report(stage, scene, "the end", problems, seen))


async def _report(stage: Stage, scene: Scene, where: str, problems: list[str], seen: Seen) -> str:
    lines = [f"at {where}:", *(f"  {problem}" for problem in problems), "  the conversation:"]
    lines += [f"    {one.seq:>3} {one.author:<7} {one.text}" for one in seen.messages[-20:]]
    if seen.draft:
        lines.append(f"    draft ({seen.draft.reason}): {seen.draft.text}")
    if seen.turn:
        lines.append(f"  the last turn: {seen.turn.intent} {seen.turn.action} ({seen.turn.reason})")
        lines += [f"    {note}" for note in seen.turn.explanation.get("notes", ())]
    lines += [f"  the owner was told: {one}" for one in await notified(stage, scene)]
    return "\n".join(lines)


def _name(step: Step) -> str:
    if step.user is not None:
        return f"user: {' / '.join(step.user)[:60]}"
    if step.crm is not None:
        return f"crm: {step.crm}"
    if step.verify is not None:
        return f"verify: {step.verify}"
    if step.code is not None:
        return f"{'a wrong code for' if step.wrong else 'code of'} {step.code}"
    return f"owner: {step.owner}" if step.owner is not None else f"{step.event or f'advance {step.advance}'}"


async def play_all(stage: Stage, stories: list[Story], root: Path) -> list[tuple[Story, str | None]]:
    """Each story with what went wrong, None for nothing; one after the other, for they share the clock."""
    results: list[tuple[Story, str | None]] = []
    for story in stories:
        try:
            async with asyncio.timeout(60):
                await play(stage, story, root)
        except (Departed, files.BadFile, TimeoutError) as error:
            results.append((story, str(error) or type(error).__name__))
        else:
            results.append((story, None))
    return results
