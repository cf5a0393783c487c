"""Whether a business's CRM is reached, has the fields that it is to have, and is not behind."""

from datetime import timedelta
from uuid import UUID

from domain.crm_settings import settings_of
from runtime.findings import Finding, note, ok, wrong
from runtime.runtime import Runtime
from store import crm_contacts, crm_links, workspaces

LATE = timedelta(minutes=30)
_TODO = {
    "token_refused": "make a new token there, and connect again: POST crm/connect",
    "token_lacks_rights": "give the token its scopes (docs/how-to/crm.md), and connect again: POST crm/connect",
}


async def crm(rt: Runtime, workspace_id: UUID, slug: str) -> list[Finding]:
    """Nothing for a business that has none."""
    async with rt.db.transaction(workspace_id) as tx:
        mapped = settings_of((await workspaces.get(tx)).profile) is not None
        link, now = await crm_links.now(tx), tx.now
        counts = await crm_contacts.counts(tx, link.id) if link else {}
        since = await crm_contacts.waiting_since(tx, link.id) if link else None
    name = f"{slug}: CRM"
    if link is None:
        return [note(name, "is described, and none is connected", "POST crm/connect")] if mapped else []
    if not mapped:
        return [note(name, "connected, and nothing says what goes there", "write integrations.crm")]
    if link.state != "connected":
        said = f"{link.state}: nothing is read or written there; it goes on where it was when it is connected again"
        return [wrong(name, said, _TODO.get(link.reason or "", "look at GET crm"))]
    found = []
    if link.missing:
        todo = "make them there (Settings → Custom Fields), or mend integrations.crm"
        found.append(wrong(name, f"has no custom field {', '.join(link.missing)}", todo))
    if failed := counts.get("failed", 0):
        found.append(wrong(name, f"{failed} contacts were not taken there", "GET crm/contacts?state=failed"))
    if since is not None and now - since > LATE and (link.rests_until is None or link.rests_until < now):
        said = f"changes wait since {since:%Y-%m-%d %H:%M:%S} UTC"
        found.append(wrong(name, said, "is a scheduler running? frontdesk scheduler"))
    if link.reason == "daily_limit":
        found.append(note(name, "today's calls are used up", "it goes on tomorrow; other programs call too"))
    return found or [ok(name, "connected, read and written")]
