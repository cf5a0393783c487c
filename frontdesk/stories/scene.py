"""A story's own empty workspace, with its channels connected, and what the player knows while it runs."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from frontdesk.stories import crms, moneys
from frontdesk.stories.script import Story
from frontdesk.stories.stage import Stage
from frontdesk.stories.wires import KINDS, TwilioWire, Wire, wire_of
from runtime import files, listings, portfolios
from runtime.files import WorkspaceFile
from store import channels, people
from store.channels import ChannelRow
from store.db import Tx, new_id
from workers.listings import ListingWorker


class Departed(Exception):
    """The conversation went another way than the story; the message says how, and why the assistant did so."""


@dataclass(slots=True)
class Scene:
    """What the player knows while a story runs."""

    workspace_id: UUID
    person_id: UUID
    channel: ChannelRow
    file: WorkspaceFile
    wire: Wire
    lines: Mapping[str, tuple[ChannelRow, Wire]]
    """Every way by which the story's customers write: sms, whatsapp, webchat."""
    error: str | None = None
    """The code with which the owner's last act was refused."""


async def settle(stage: Stage, scene: Scene) -> None:
    """Until nothing is due and the provider has reported all that it has to report."""
    await stage.settle(scene.workspace_id)
    while reports := [one for _, wire in scene.lines.values() for one in wire.running()]:
        await asyncio.gather(*reports)
        await stage.settle(scene.workspace_id)


async def build(stage: Stage, story: Story, root: Path) -> Scene:
    """The story's own empty workspace, under a slug that nobody else has."""
    if isinstance(story.workspace, str):
        file = files.read(root / story.workspace, root)
    else:
        file = files.check(story.workspace, "workspace", root)
    identity = file.profile.workspace.model_copy(update={"slug": f"story-{new_id()}"})
    file = WorkspaceFile(file.profile.model_copy(update={"workspace": identity}), file.documents)
    wires = {way: wire_of(stage, _kind(file, way)) for way in _ways(story)}
    for way, wire in wires.items():
        file = _with_credentials(file, _kind(file, way), wire)
    workspace_id = await files.apply(stage.rt, file, TwilioWire(stage).credentials(""))
    async with stage.rt.db.transaction(workspace_id) as tx:
        person_id = await people.add(tx, "owner", "Owner", "owner@example.com")
        listed = await channels.listed(tx)
        await _import(tx, story, root)
    await _list(stage, workspace_id, story, root)
    await moneys.prepare(stage, workspace_id, story.broker)
    await crms.prepare(stage, workspace_id, wanted=story.crm)
    lines = {way: (_channel(listed, file, way), wire) for way, wire in wires.items()}
    for channel, wire in lines.values():
        wire.connect(channel, stage.rt.settings.public_url)
    channel, wire = lines[story.channel]
    return Scene(workspace_id, person_id, channel, file, wire, lines)


async def _import(tx: Tx, story: Story, root: Path) -> None:
    for name, take in ((story.holdings, portfolios.take_holdings), (story.prices, portfolios.take_prices)):
        if name is None:
            continue
        taken = await take(tx, (root / name).read_text(encoding="utf-8"))
        if taken.bad:
            raise Departed(f"{name}:{taken.bad[0].line}: {taken.bad[0].why}")


async def _list(stage: Stage, workspace_id: UUID, story: Story, root: Path) -> None:
    """The homes of the story, with their vectors."""
    if story.listings is None:
        return
    text = (root / story.listings).read_text(encoding="utf-8")
    taken = await listings.take(stage.rt.db, workspace_id, text, "story")
    if taken.bad:
        raise Departed(f"{story.listings}:{taken.bad[0].line}: {taken.bad[0].why}")
    worker = ListingWorker(stage.rt, workspace_id)
    for one in await worker.claim(1):
        await worker.work(one)


def _ways(story: Story) -> list[str]:
    """The story's own channel, and those of its steps; a code for a visitor comes by text message."""
    steps = [one.channel for one in story.steps if one.channel]
    return list(
        dict.fromkeys(
            [story.channel, *steps, *(["sms"] if any(one.verify or one.code for one in story.steps) else [])]
        )
    )


def _kind(file: WorkspaceFile, way: str) -> str:
    return next((one.kind for one in file.profile.channels if one.kind in KINDS[way]), KINDS[way][0])


def _channel(listed: list[ChannelRow], file: WorkspaceFile, way: str) -> ChannelRow:
    found = [one for one in listed if one.kind == _kind(file, way)]
    if not found:
        raise Departed(f"the workspace has no channel {' or '.join(KINDS[way])}")
    return found[0]


def _with_credentials(file: WorkspaceFile, kind: str, wire: Wire) -> WorkspaceFile:
    """The story's channel, with what its provider on loopback knows it by."""
    known = tuple(
        one.model_copy(update={"credentials": wire.credentials(one.address)}) if one.kind == kind else one
        for one in file.profile.channels
    )
    return WorkspaceFile(file.profile.model_copy(update={"channels": known}), file.documents)
