"""What a business that books needs beyond its own database: templates for reminders, calendars elsewhere."""

from datetime import timedelta
from uuid import UUID

from domain.booking import EVERYBODY, BookingSettings
from domain.messages import WINDOWS
from domain.workspace import Profile
from runtime.findings import Finding, note, ok, wrong
from runtime.runtime import Runtime
from store import calendars, channels, templates, workspaces
from store.calendars import Link

LATE = timedelta(hours=1)
"""A linked calendar is read every ten minutes at least."""
_TODO = {
    "consent_revoked": "connect it again: POST calendar/google/connect",
    "forbidden": "share the calendar with its account, with the right to change events",
    "calendar_missing": "disconnect it, and connect the calendar that there is",
    "client_refused": "mend GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET",
}


async def reminders(rt: Runtime, workspace_id: UUID, slug: str) -> list[Finding]:
    """Whether a reminder can leave on channels whose provider takes free words for a while only."""
    async with rt.db.transaction(workspace_id) as tx:
        profile = (await workspaces.get(tx)).profile
        settings = _settings(profile)
        if settings is None or not settings.remind:
            return []
        found = []
        for row in await channels.listed(tx):
            scheme = "whatsapp" if row.kind.endswith("_whatsapp") else ""
            if scheme not in WINDOWS:
                continue
            name = f"{slug}: reminders over {row.kind} {row.address}"
            if settings.remind_with is None:
                todo = "write a template for them, and name it in skills.booking.remind_with"
                said = (
                    "there is no template for reminders: after 24 hours they wait until the customer writes"
                )
                found.append(note(name, said, todo))
                continue
            versions = [one for one in await templates.listed(tx, row.id) if one.name == settings.remind_with]
            found.append(_judged(name, settings.remind_with, [one.status for one in versions]))
    return found


def _judged(name: str, template: str, statuses: list[str]) -> Finding:
    if "approved" in statuses:
        return ok(name, f"go by the template {template} after 24 hours")
    if not statuses or set(statuses) == {"retired"}:
        said = f"there is no template named {template}: after 24 hours they wait until the customer writes"
        return wrong(name, said, "write it under templates, or name another in skills.booking.remind_with")
    said = f"the template {template} is {', '.join(sorted(set(statuses)))}: until it is approved they wait"
    if {"draft", "submitted"} & set(statuses):
        return note(name, said, "wait for the review")
    return wrong(name, said, "see why it was refused: GET templates")


async def linked(rt: Runtime, workspace_id: UUID, slug: str) -> list[Finding]:
    """Every connected calendar, and whether one is missing."""
    async with rt.db.transaction(workspace_id) as tx:
        settings = _settings((await workspaces.get(tx)).profile)
        links, now = await calendars.listed(tx), tx.now
    if settings is None:
        return []
    if not links:
        if settings.calendar != "google":
            return []
        todo = "POST calendar/google/connect (docs/how-to/calendar.md), or write calendar: local"
        if rt.calendars is None:
            todo = f"set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, then {todo}"
        return [note(f"{slug}: calendar", "google, and none is connected: the one here counts", todo)]
    found = []
    for link in links:
        name = f"{slug}: calendar of {'the business' if link.resource == EVERYBODY else link.resource}"
        late = link.synced_at is None or now - link.synced_at > LATE
        found.append(_link(rt, name, link, late=late))
    return found


def _link(rt: Runtime, name: str, link: Link, *, late: bool) -> Finding:
    if rt.calendars is None:
        return wrong(
            name, "this installation has no OAuth client", "set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET"
        )
    if link.state != "connected":
        said = f"{link.state}: appointments go on here, and what was last known there still counts"
        return wrong(name, said, _TODO.get(link.reason or "", "look at GET calendar"))
    if late:
        return wrong(name, "has not been read for an hour", "is a scheduler running? see its log")
    if not rt.calendars.pushed:
        return note(
            name, "read every few minutes", "an https FRONTDESK_PUBLIC_URL has Google say what changes"
        )
    return ok(name, "connected, read and written")


def _settings(profile: Profile) -> BookingSettings | None:
    known = profile.skills.get("booking")
    return BookingSettings.model_validate(known) if known is not None else None
