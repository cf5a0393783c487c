"""Puts templates before their provider for approval, and looks after what it decides."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from channels.base import Template
from domain import templates as filling
from domain.errors import Disposition, SendFailed
from runtime.wake import DELIVERIES
from store import audit, channels, templates, workspaces
from store.templates import Version
from workers.base import Worker

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
Due = tuple[UUID, UUID]
"""(workspace, template version)"""


class TemplateWorker(Worker[Due]):
    topic = "templates"
    at_once = 1

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await templates.claim(dispatch, limit, LEASE, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, version_id = due
        async with self._rt.db.transaction(workspace_id) as tx:
            version = await templates.get(tx, version_id)
            row = await channels.get(tx, version.channel_id)
            profile = (await workspaces.get(tx)).profile
        if row is None:
            return
        channel, asked = (
            self._rt.open_channel(row),
            _asked(version, profile.workspace.name, profile.assistant.name),
        )
        try:
            if version.status == "draft" or version.provider_id is None:
                said = await channel.submit(self._rt.http, asked)
            else:
                said = await channel.review(self._rt.http, asked, version.provider_id)
        except SendFailed as error:
            await self._failed(workspace_id, version, error)
            return
        async with self._rt.db.transaction(workspace_id) as tx:
            freed = await templates.reviewed(tx, version, said.state, said.provider_id, said.reason or None)
            if said.state != version.status:
                await audit.add(tx, "system", f"template_{said.state}", "template", version.id)
        if freed:
            await self._rt.wake.wake(DELIVERIES)

    async def _failed(self, workspace_id: UUID, version: Version, error: SendFailed) -> None:
        """Refused for what it says: rejected. Everything else is tried again."""
        logger.warning("template %s: %s", version.id, error.disposition)
        reason = f"provider_code_{error.provider_code}" if error.provider_code else error.code
        async with self._rt.db.transaction(workspace_id) as tx:
            if error.disposition is Disposition.GIVE_UP and version.status == "draft":
                await templates.reviewed(tx, version, "rejected", None, reason)
                await audit.add(tx, "system", "template_rejected", "template", version.id)
            else:
                await templates.later(tx, version.id, reason)


def _asked(version: Version, business: str, assistant: str) -> Template:
    """With an example for each variable: providers refuse a template without."""
    known = {"contact.name": "Ann", "workspace.name": business, "assistant.name": assistant}
    examples = filling.fill(version.variables, known, version.locale)
    return Template(version.provider_name, version.locale, version.category, version.body, examples)
