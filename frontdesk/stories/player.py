"""Plays a story on a stage, step by step, and says where it first left the script."""

import asyncio
import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.errors import Rejected
from domain.messages import Address, Scheme
from frontdesk.stories import compare, crms, moneys, payments
from frontdesk.stories.script import ExpectedEnd, ExpectedStep, Step, Story
from frontdesk.stories.stage import Stage
from frontdesk.stories.wires import KINDS, Said, TwilioWire, WebChatWire, Wire, address_of, wire_of
from runtime import files, listings, portfolios
from runtime.files import WorkspaceFile
from store import (
    appointments,
    callbacks,
    channels,
    contacts,
    conversations,
    drafts,
    merges,
    notifications,
    people,
    ruling,
    turns,
    waiting,
)
from store.channels import ChannelRow
from store.conversations import Conversation, Message
from store.db import Tx, new_id
from store.drafts import Draft
from store.turns import Told
from workers.listings import ListingWorker

_PIXEL = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
    )
).decode()


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


@dataclass(frozen=True, slots=True)
class Seen:
    """The state after a step."""

    conversation: Conversation | None
    messages: list[Message]
    turn: Told | None
    draft: Draft | None
    context: Mapping[str, Any]


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
    scene = await _build(stage, story, root)
    for n, step in enumerate(story.steps, 1):
        before = await _look(stage, scene, story)
        await _act(stage, scene, story, step, before)
        await _settle(stage, scene)
        seen = await _look(stage, scene, story)
        if watch is not None:
            watch(step, before, seen, _words(before, seen))
        problems = _check_step(step.expect, before, seen, scene)
        if problems:
            raise Departed(await _report(stage, scene, f"step {n} ({_name(step)})", problems, seen))
    seen = await _look(stage, scene, story)
    problems = await _check_end(stage, scene, story, seen)
    if problems:
        raise Departed(await _report(stage, scene, "the end", problems, seen))


async def _settle(stage: Stage, scene: Scene) -> None:
    """Until nothing is due and the provider has reported all that it has to report."""
    await stage.settle(scene.workspace_id)
    while reports := [one for _, wire in scene.lines.values() for one in wire.running()]:
        await asyncio.gather(*reports)
        await stage.settle(scene.workspace_id)


async def _build(stage: Stage, story: Story, root: Path) -> Scene:
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


async def _act(stage: Stage, scene: Scene, story: Story, step: Step, before: Seen) -> None:
    scene.error = None
    if step.user is not None:
        for n, words in enumerate(step.user):
            said = Said(words, _attachments(step.media) if n == 0 else (), step.kind, step.choice)
            await _say(scene, story, said, step)
    elif step.verify is not None:
        await _verify(stage, scene, story, step.verify)
    elif step.code is not None:
        await _say(scene, story, Said(_code(scene, step)), step)
    elif step.advance is not None:
        assert stage.clock.frozen is not None
        stage.clock.frozen += step.advance
    elif step.owner is not None:
        await _owner(stage, scene, step.owner, before)
    elif step.crm is not None:
        await crms.act(stage, step.crm)
    elif step.event is not None:
        await _happen(stage, scene, story, step.event, before)


def _attachments(kinds: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"content_type": kind, "data_base64": _PIXEL} for kind in kinds]


async def _say(scene: Scene, story: Story, said: Said, step: Step | None = None) -> None:
    channel, wire = scene.lines[(step and step.channel) or story.channel]
    answers = await wire.say(channel, (step and step.contact) or story.contact, said)
    refused = [one for one in answers if one["status"] != 200]
    if refused:
        raise Departed(f"the webhook answered {refused[0]['status']}: {refused[0]['body']}")


async def _verify(stage: Stage, scene: Scene, story: Story, number: str) -> None:
    """The visitor types the number, reads the code on that telephone, and types it too."""
    (_, chat), (_, phone) = scene.lines["webchat"], scene.lines["sms"]
    if not isinstance(chat, WebChatWire) or not isinstance(phone, TwilioWire):
        raise Departed("only a visitor of the web chat verifies, and by text message")
    before = len(phone.sent(number))
    scene.error = await chat.frame(type="verify", to=number)
    await _settle(stage, scene)
    came = phone.words(number)[before:]
    code = re.search(r"\b[0-9]{6}\b", came[-1]) if came else None
    if scene.error is None:
        scene.error = await chat.frame(type="code", code=code[0]) if code else "no_code_came"


def _code(scene: Scene, step: Step) -> str:
    """The last code that came to that telephone, or one that is not it."""
    _, phone = scene.lines["sms"]
    if not isinstance(phone, TwilioWire) or step.code is None:
        raise Departed("codes come by text message")
    found = [code[0] for words in phone.words(step.code) if (code := re.search(r"\b[0-9]{6}\b", words))]
    code = _needed(found[-1] if found else None, f"no code came to {step.code}")
    return f"{(int(code) + 1) % 1_000_000:06d}" if step.wrong else str(code)


async def _owner(stage: Stage, scene: Scene, act: Any, before: Seen) -> None:
    """approve, reject, takeover, release, close; {edit: words}, {says: words}; {merge: number}: that one is the customer
    of the conversation that moved last; {unmerge: number}: is not."""
    rt, actor = stage.rt, f"person:{scene.person_id}"
    verb, words = (act, None) if isinstance(act, str) else next(iter(act.items()))
    pause = scene.file.profile.policy.pause_after_human
    try:
        async with rt.db.transaction(scene.workspace_id) as tx:
            conversation = _needed(before.conversation, "there is no conversation yet")
            match verb:
                case "approve" | "edit":
                    draft = _needed(await _last_draft(stage, scene, conversation.id), "there is no draft")
                    await drafts.approve(tx, draft.id, scene.person_id, actor, words, rt.split)
                case "reject":
                    draft = _needed(await _last_draft(stage, scene, conversation.id), "there is no draft")
                    await drafts.reject(tx, draft.id, scene.person_id, actor, words)
                case "says":
                    await conversations.reply(
                        tx, conversation.id, scene.person_id, actor, str(words), rt.split, pause
                    )
                case "takeover":
                    await conversations.take_over(tx, conversation.id, scene.person_id, actor, "asked", pause)
                case "release":
                    await conversations.release(tx, conversation.id, actor)
                case "close":
                    await conversations.close(tx, conversation.id, actor)
                case "merge":
                    await merges.merge(tx, await _contact(tx, words), conversation.contact_id, actor)
                case "unmerge":
                    await merges.unmerge(tx, await _contact(tx, words), actor)
                case _ if verb in moneys.ACTS:
                    await moneys.act(tx, verb, scene.person_id)
                case _:
                    raise Departed(f"an owner cannot {verb!r}")
    except Rejected as refused:
        scene.error = refused.code


async def _contact(tx: Tx, number: Any) -> UUID:
    """The contact that was made for this number, whoever it is now."""
    ways = [Address(scheme, str(number)) for scheme in (Scheme.TEL, Scheme.WHATSAPP)]
    for found in await contacts.find(tx, ways):
        return next(one.contact_id for one in found.known if one.address in ways)
    raise Departed(f"nobody has the number {number}")


async def _last_draft(stage: Stage, scene: Scene, conversation_id: UUID) -> Draft | None:
    async with stage.rt.db.transaction(scene.workspace_id) as tx:
        page = await drafts.page(tx, state=None, conversation_id=conversation_id, before=None, limit=1)
    return page[0] if page else None


async def _happen(stage: Stage, scene: Scene, story: Story, event: str, before: Seen) -> None:
    match event:
        case "delivery_failed":
            sent = scene.wire.sent(story.contact)
            await scene.wire.fail(_needed(sent[-1] if sent else None, "nothing was sent"))
        case "duplicate":
            last = [one for one in before.messages if one.direction == "in"][-1]
            await _say(scene, story, Said(last.text, times=3))
        case _ if event in payments.EVENTS:
            await payments.happen(stage, event)
        case _ if event in moneys.EVENTS:
            await moneys.happen(stage, scene.workspace_id, event)
        case "worker_lost":
            await _say(scene, story, Said("are you there?"))
            async with stage.rt.db.dispatch() as dispatch:
                lease = timedelta(seconds=stage.rt.settings.lease_s)
                await turns.claim(dispatch, "a worker that dies", 1, lease, scene.workspace_id)


async def _look(stage: Stage, scene: Scene, story: Story) -> Seen:
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


def _check_step(expect: ExpectedStep, before: Seen, seen: Seen, scene: Scene) -> list[str]:
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
        problems += compare.reply(expect.reply, _words(before, seen))
    return problems


def _words(before: Seen, seen: Seen) -> str:
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


async def _check_end(stage: Stage, scene: Scene, story: Story, seen: Seen) -> list[str]:
    expect: ExpectedEnd = story.expect
    problems = compare.values("context", expect.context, seen.context)
    got = {
        "drafts": 1 if seen.draft else 0,
        "sent": _sent(scene, story),
        "owner": seen.conversation.owner if seen.conversation else None,
        "priority": seen.conversation.priority if seen.conversation else None,
        "tags": sorted(seen.conversation.tags) if seen.conversation else None,
        "rules": await _rules(stage, scene),
        "notified": await _notified(stage, scene),
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


async def _notified(stage: Stage, scene: Scene) -> list[str]:
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


async def _report(stage: Stage, scene: Scene, where: str, problems: list[str], seen: Seen) -> str:
    lines = [f"at {where}:", *(f"  {problem}" for problem in problems), "  the conversation:"]
    lines += [f"    {one.seq:>3} {one.author:<7} {one.text}" for one in seen.messages[-20:]]
    if seen.draft:
        lines.append(f"    draft ({seen.draft.reason}): {seen.draft.text}")
    if seen.turn:
        lines.append(f"  the last turn: {seen.turn.intent} {seen.turn.action} ({seen.turn.reason})")
        lines += [f"    {note}" for note in seen.turn.explanation.get("notes", ())]
    lines += [f"  the owner was told: {one}" for one in await _notified(stage, scene)]
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


def _needed(value: Any, otherwise: str) -> Any:
    if value is None:
        raise Departed(otherwise)
    return value


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
