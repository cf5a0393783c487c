"""`frontdesk replay`: a past conversation, had again with the dialogue of today, on a stage of its own."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import ndiff
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from domain.errors import NotFound
from domain.workspace import Profile
from frontdesk.cli import place
from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson, DataDir
from frontdesk.stories import masks, past, script
from frontdesk.stories.past import Act, Past
from frontdesk.stories.player import play
from frontdesk.stories.rehearsal import open_rehearsal
from frontdesk.stories.scene import Departed
from frontdesk.stories.script import Step, Story
from frontdesk.stories.seeing import Seen
from frontdesk.stories.stage import Stage
from runtime import export, files
from runtime.export import Exported
from runtime.files import BadFile
from runtime.runtime import Runtime
from store import watch, workspaces


@dataclass(slots=True)
class Outcome:
    """One step, then and now."""

    step: dict[str, Any]
    then: str
    now: str
    intent: str | None = None
    action: str = "silence"


@dataclass(slots=True)
class Replayed:
    outcomes: list[Outcome] = field(default_factory=list)
    departed: str | None = None
    """Where the script could not be followed any more: a draft that is no draft today."""

    @property
    def same(self) -> bool:
        return self.departed is None and all(one.then == one.now for one in self.outcomes)


def replay(
    conversation: Annotated[str, typer.Argument(help="Its id.", metavar="CONVERSATION")],
    as_test: Annotated[
        Path | None, typer.Option("--as-test", metavar="FILE", help="Save it as a story that passes today.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Have a past conversation again, with the business as it is configured now and the dialogue of today, and show
    which answers differ. Nothing is sent, and no server of the business is called: it runs on a database of its own.
    Exit code 1 when an answer differs. With --as-test it becomes a story for `frontdesk test`, its people's names and
    numbers replaced.

    Example: `frontdesk replay 0199f0c4-5a7e-7d0a-8c11-2f6d0b9e4a55 --as-test tests/conversations/cleaning.yaml`
    """
    key = place.id_of(conversation, "conversation")
    said, profile, exported = place.with_runtime(lambda rt: _recall(rt, key), data_dir)
    if not said.acts:
        fail("nobody has written in this conversation", 1)
    try:
        if as_test is not None:
            return _save(as_test, said, profile, exported, as_json)
        replayed = asyncio.run(_replay(said, exported))
    except (BadFile, Departed) as error:
        fail(str(error), 1)
    _tell(replayed, as_json)
    raise typer.Exit(0 if replayed.same else 1)


async def _recall(rt: Runtime, key: UUID) -> tuple[Past, Profile, Exported]:
    async with rt.db.dispatch() as dispatch:
        workspace_id = await watch.workspace_of(dispatch, key)
    if workspace_id is None:
        fail("there is no such conversation", 2)
    async with rt.db.transaction(workspace_id) as tx:
        try:
            return await past.recall(tx, key), (await workspaces.get(tx)).profile, await export.export(tx)
        except NotFound as error:
            fail(str(error), 2)


async def _replay(said: Past, exported: Exported) -> Replayed:
    with tempfile.TemporaryDirectory(prefix="frontdesk-replay-") as directory:
        root = Path(directory)
        for name, data in ((f"{exported.slug}.yaml", exported.text.encode()), *exported.documents):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        async with open_rehearsal(shut_in=True) as stage:
            return await _play(stage, said, f"{exported.slug}.yaml", root)


async def _play(stage: Stage, said: Past, workspace: str | dict[str, Any], root: Path) -> Replayed:
    planned, replayed = past.steps(said), Replayed()
    story = _story(said, workspace, [step for step, _ in planned])
    acts = iter(planned)

    def seen_step(step: Step, before: Seen, seen: Seen, words: str) -> None:
        as_written, act = next(acts)
        then = "\n".join(act.answers) if isinstance(act, Act) else ""
        turn = seen.turn if seen.turn and (before.turn is None or seen.turn.id != before.turn.id) else None
        intent, action = (turn.intent, turn.action) if turn else (None, None)
        outcome = Outcome(as_written, then, words, intent, action or "silence")
        replayed.outcomes.append(outcome)

    try:
        await play(stage, Story.model_validate(story), root, seen_step)
    except Departed as error:
        replayed.departed = str(error).partition("\n  the conversation:")[0]
    return replayed


def _story(said: Past, workspace: str | dict[str, Any], steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "story": f"as in conversation {said.conversation_id}",
        "workspace": workspace,
        "now": said.began.replace(microsecond=0).isoformat(),
        "channel": said.channel,
        "contact": masks.CONTACT,
        "steps": list(steps),
    }


def _save(path: Path, said: Past, profile: Profile, exported: Exported, as_json: bool) -> None:
    """The conversation without its people, played once to learn what is expected, and once more as it is saved."""
    workspace = _workspace(path, profile, exported)
    kinds = {one.name: str(one.type) for schema in profile.schemas for one in schema.fields}
    masked = said.replaced(masks.mask(said, kinds))
    story, problem = asyncio.run(_learn(masked, workspace))
    if problem:
        fail(f"it cannot be made a test: {problem}", 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(export.dump(story), encoding="utf-8")
    told = {"file": str(path), "steps": len(story["steps"])}
    typer.echo(
        json.dumps(told) if as_json else f"{path}: {told['steps']} steps; run it: frontdesk test {path}"
    )


async def _learn(said: Past, workspace: str | dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    async with open_rehearsal(shut_in=True) as stage:
        replayed = await _play(stage, said, workspace, Path.cwd())
        if replayed.departed:
            return {}, replayed.departed
        story = _story(said, workspace, [_expecting(one) for one in replayed.outcomes])
        with tempfile.TemporaryDirectory(prefix="frontdesk-replay-") as directory:
            file = Path(directory) / "story.yaml"
            file.write_text(export.dump(story), encoding="utf-8")
            try:
                await play(stage, script.read(file)[0], Path.cwd())
            except Departed as error:
                return {}, str(error)
        return story, None


def _expecting(outcome: Outcome) -> dict[str, Any]:
    if "advance" in outcome.step and not outcome.now:
        return outcome.step
    expect: dict[str, Any] = {"intent": outcome.intent} if outcome.intent else {}
    if "user" in outcome.step:
        expect["action"] = outcome.action
    if outcome.now:
        expect["reply"] = {"all": outcome.now}
    return outcome.step | ({"expect": expect} if expect else {})


def _workspace(path: Path, profile: Profile, exported: Exported) -> str | dict[str, Any]:
    """The file of the repository that says the same, or all of it inside the story, documents beside it."""
    root = Path.cwd()
    demo = Path("demos") / f"{exported.slug}.yaml"
    documents = dict(exported.documents)
    known = {source for source, data in documents.items() if _bytes(root / source) == data}
    if len(known) == len(documents) and (root / demo).exists():
        try:
            if export.text(files.read(root / demo, root).profile) == exported.text:
                return str(demo)
        except BadFile:
            pass
    folder = path.absolute().with_suffix("")
    if known != set(documents) and not folder.is_relative_to(root):
        fail(f"its documents have to lie below {root}: save the test there, or run this where they are", 2)
    named = {}
    for source, data in documents.items():
        named[source] = source if source in known else str((folder / source).relative_to(root))
        if source not in known:
            (folder / source).parent.mkdir(parents=True, exist_ok=True)
            (folder / source).write_bytes(data)
    whole = export.mapping(profile)
    for n, channel in enumerate(whole.get("channels", ())):
        if channel.get("address"):
            channel["address"] = masks.business(n)
    return whole | {"knowledge": [named.get(one, one) for one in profile.knowledge]}


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _tell(replayed: Replayed, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "step": one.step,
                "then": one.then,
                "now": one.now,
                "same": one.then == one.now,
                "intent": one.intent,
            }
            for one in replayed.outcomes
        ]
        return typer.echo(
            json.dumps({"same": replayed.same, "departed": replayed.departed, "steps": rows}, default=str)
        )
    for n, one in enumerate(replayed.outcomes, 1):
        ((kind, what),) = list(one.step.items())[:1]
        typer.echo(f"{n} {kind}: {what}")
        if one.then == one.now:
            typer.echo("  same: " + (one.now.replace("\n", "\n        ") or "nothing said"))
            continue
        for line in ndiff(one.then.splitlines(), one.now.splitlines()):
            if not line.startswith("?"):
                typer.echo(f"  {line}")
    if replayed.departed:
        typer.echo(f"the conversation goes another way: {replayed.departed}")
    different = sum(1 for one in replayed.outcomes if one.then != one.now)
    typer.echo(f"{len(replayed.outcomes)} steps, {different} answers differ")
