"""Brings customers and their other halves in the CRM to say the same, each that has changed on either side."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from domain.crm_settings import settings_of
from integrations.gohighlevel_answers import CrmFailed
from store import crm_contacts, crm_links, workspaces
from workers import crm_faults
from workers.base import Worker
from workers.crm_sync import CrmSync

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=3)
"""Longer than a few calls may take, one after the other, and the waiting for their turn."""
Due = tuple[UUID, UUID, UUID]
"""(workspace, link, contact)"""


class CrmWriter(Worker[Due]):
    topic = "crm contacts"

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await crm_contacts.claim(dispatch, limit, LEASE, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, link_id, contact_id = due
        async with self._rt.db.transaction(workspace_id) as tx:
            link = await crm_links.get(tx, link_id)
            half = await crm_contacts.begin(tx, link_id, contact_id)
            profile = (await workspaces.get(tx)).profile
            settings = settings_of(profile)
            if half is not None and settings is None:
                return await crm_contacts.end(tx, half, "done", None)
        if half is None or settings is None or link.state != "connected":
            return
        try:
            await CrmSync(self._rt, workspace_id, link, profile, settings).bring(half)
        except CrmFailed as error:
            logger.warning("contact %s and the CRM: %s", contact_id, error)
            await crm_faults.of_contact(self._rt, workspace_id, half, error)
