"""What a closed conversation leaves in the CRM: one note, found again by its last line when nobody knows whether it came
there."""

from uuid import UUID
from zoneinfo import ZoneInfo

from domain.crm_settings import Note as NoteSettings
from domain.crm_settings import settings_of
from domain.fields import Here, show
from domain.workspace import Profile
from integrations.gohighlevel import GoHighLevel
from integrations.gohighlevel_answers import CrmFailed, Fault
from runtime.runtime import Runtime
from store import contexts, conversations, crm_contacts, crm_ours, summaries
from store.crm_contacts import Half
from store.crm_ours import Note, Talk
from store.db import Tx

LINES = 50
LONGEST = 5_000
_WAYS = {"twilio_sms": "text message", "webchat": "web chat"}


async def write(
    rt: Runtime, workspace_id: UUID, crm: GoHighLevel, half: Half, external_id: str, profile: Profile
) -> None:
    """Those that are due of this contact, with whom there is nothing to do then. Raise CrmFailed."""
    settings = settings_of(profile)
    wanted = settings.note if settings else None
    async with rt.db.transaction(workspace_id) as tx:
        due = await crm_ours.notes(tx, half.link_id, half.contact_id)
        if due and wanted is None:
            await crm_ours.drop_notes(tx, half.link_id, half.contact_id)
    for note in due if wanted is not None else ():
        await _write(rt, workspace_id, crm, half, external_id, profile, wanted, note)
    if due:
        async with rt.db.transaction(workspace_id) as tx:
            await crm_contacts.finish(tx, half)


async def _write(
    rt: Runtime, workspace_id: UUID, crm: GoHighLevel, half: Half, external_id: str, profile: Profile,
    wanted: NoteSettings | None, note: Note,
) -> None:  # fmt: skip
    assert wanted is not None
    async with rt.db.transaction(workspace_id) as tx:
        text = await words(tx, profile, wanted, note.conversation_id)
        await crm_ours.note_tried(tx, half.link_id, note)
    rt.crash("crm_note_sending")
    try:
        known = note.external_id or (await _look(crm, external_id, note) if note.tried else None)
        if known is None:
            known = await crm.add_note(external_id, text)
        else:
            await _put(crm, external_id, known, text)
    except CrmFailed as error:
        if error.fault is not Fault.BAD:
            raise
        async with rt.db.transaction(workspace_id) as tx:
            return await crm_ours.note_failed(tx, half.link_id, note, error.detail or error.code)
    rt.crash("crm_note_sent")
    async with rt.db.transaction(workspace_id) as tx:
        await crm_ours.noted(tx, half.link_id, note, known)


async def _look(crm: GoHighLevel, external_id: str, note: Note) -> str | None:
    ending = reference(note.conversation_id)
    return next((name for name, said in await crm.notes(external_id) if ending in said), None)


async def _put(crm: GoHighLevel, external_id: str, note_id: str, text: str) -> None:
    """One that somebody has deleted there stays deleted."""
    try:
        await crm.put_note(external_id, note_id, text)
    except CrmFailed as error:
        if error.fault is not Fault.MISSING:
            raise


def reference(conversation_id: UUID) -> str:
    """By which the note is known again."""
    return f"Frontdesk conversation {conversation_id}"


async def words(tx: Tx, profile: Profile, wanted: NoteSettings, conversation_id: UUID) -> str:
    """What the business wants to stand there, and nothing else; the reference is the last line."""
    talk = await crm_ours.talk(tx, conversation_id)
    lines = [] if talk is None else await _lines(tx, profile, wanted, talk)
    text = "\n".join(["Conversation closed", *lines])
    return f"{text[:LONGEST]}\n{reference(conversation_id)}"


async def _lines(tx: Tx, profile: Profile, wanted: NoteSettings, talk: Talk) -> list[str]:
    found = []
    for part in wanted.parts:
        match part:
            case "status":
                found += [f"Status: {talk.status}"] if talk.status else []
            case "tags":
                found += [f"Tags: {', '.join(sorted(talk.tags))}"] if talk.tags else []
            case "fields":
                found += await _fields(tx, profile, wanted, talk)
            case "messages":
                found += await _messages(tx, profile, talk)
            case "summary":
                summary = await summaries.get(tx, talk.id)
                found += [f"Summary: {summary.text}"] if summary else []
            case "transcript":
                said = await conversations.messages(tx, talk.id, None, 500)
                found += [f"{one.author}: {one.text}" for one in said[-LINES:]]
    return found


async def _fields(tx: Tx, profile: Profile, wanted: NoteSettings, talk: Talk) -> list[str]:
    kept = await contexts.current(tx, talk.id)
    seen = profile.using(talk.schema)
    known = {field.name: field for field in (seen.schemas[0].fields if seen.schemas else ())}
    here = Here(tx.now.astimezone(ZoneInfo(profile.workspace.timezone)), profile.assistant.languages[0])
    return [
        f"{name.replace('_', ' ').capitalize()}: {show(kept[name].value, known[name], here)}"
        for name in wanted.fields
        if name in kept and name in known
    ]


async def _messages(tx: Tx, profile: Profile, talk: Talk) -> list[str]:
    span = await crm_ours.span(tx, talk.id)
    if not span.n:
        return []
    zone = ZoneInfo(profile.workspace.timezone)
    first, last = (moment.astimezone(zone) for moment in (span.first, span.last))
    ways = ", ".join(_WAYS.get(way, "WhatsApp" if "whatsapp" in way else way) for way in span.ways)
    return [f"Messages: {span.n} by {ways}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"]
