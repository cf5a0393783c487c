"""What happens in one step of a story: a customer writes, an owner decides, time passes, a worker dies."""

import base64
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.errors import Rejected
from domain.messages import Address, Scheme
from frontdesk.stories import crms, moneys, payments
from frontdesk.stories.scene import Departed, Scene, settle
from frontdesk.stories.script import Step, Story
from frontdesk.stories.seeing import Seen
from frontdesk.stories.stage import Stage
from frontdesk.stories.wires import Said, TwilioWire, WebChatWire
from store import contacts, conversations, drafts, merges, turns
from store.db import Tx
from store.drafts import Draft

_PIXEL = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
    )
).decode()


async def act(stage: Stage, scene: Scene, story: Story, step: Step, before: Seen) -> None:
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
    await settle(stage, scene)
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


def _needed(value: Any, otherwise: str) -> Any:
    if value is None:
        raise Departed(otherwise)
    return value
