"""What a trouble at the CRM means: a pause, a person must look, or one contact is not taken. Nothing is lost by any."""

from datetime import timedelta
from uuid import UUID

from integrations.gohighlevel_answers import CrmFailed, Fault
from runtime.runtime import Runtime
from store import audit, crm_contacts, crm_links, notifications
from store.crm_contacts import Half
from store.db import Tx
from workers.calendar_faults import pause

TOMORROW = timedelta(hours=1)
"""A day's calls are used up: nobody says when the day ends, so it is tried again now and then."""
_REASONS = {Fault.REVOKED: "token_refused", Fault.FORBIDDEN: "token_lacks_rights"}


async def of_link(rt: Runtime, workspace_id: UUID, link_id: UUID, error: CrmFailed) -> bool:
    """False: it is no trouble of the account's, but of the one contact."""
    async with rt.db.transaction(workspace_id) as tx:
        link = await crm_links.hold(tx)
        if link is None or link.id != link_id:
            return True
        if error.fault in _REASONS:
            await _revoked(tx, link_id, _REASONS[error.fault])
        elif error.fault is Fault.SPENT:
            await crm_links.rest(tx, link_id, "daily_limit", TOMORROW)
            await crm_links.set_daily(tx, link_id, 0)
        elif error.fault is Fault.BUSY:
            asked = timedelta(seconds=error.after_s)
            await crm_links.rest(tx, link_id, error.code, max(asked, pause(link.attempts)))
        else:
            return False
        return True


async def of_contact(rt: Runtime, workspace_id: UUID, half: Half, error: CrmFailed) -> None:
    whole = await of_link(rt, workspace_id, half.link_id, error)
    async with rt.db.transaction(workspace_id) as tx:
        if error.fault is Fault.BAD and not whole:
            await crm_contacts.end(tx, half, "failed", error.detail or error.code)
        else:
            span = timedelta() if whole else pause(half.attempts)
            await crm_contacts.later(tx, half, error.code, span)


async def _revoked(tx: Tx, link_id: UUID, reason: str) -> None:
    """People are told once."""
    if not await crm_links.set_state(tx, link_id, "revoked", reason):
        return
    await notifications.add(
        tx, notifications.Kind.CRM, subject_id=link_id, reason=f"crm_{reason}", roles=notifications.RUNNING
    )  # fmt: skip
    await audit.add(tx, "system", "crm_revoked", "crm_link", link_id, reason=reason)
