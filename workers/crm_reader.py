"""Hears what changes in CRMs: what they tell by themselves, and, in case they told it and nobody heard, what has changed
since the last time. Whoever changed is looked at by `crm_writer`; this one only says whom."""

import hashlib
import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.crm_settings import CrmSettings, settings_of
from domain.errors import Conflict
from domain.messages import Address, Scheme
from integrations.gohighlevel import GoHighLevel
from integrations.gohighlevel_answers import CrmFailed, Fault, There
from store import contacts, crm_contacts, crm_links, notifications, workspaces
from store.crm_links import Link
from store.db import Tx
from workers import crm_faults
from workers.base import Worker
from workers.calendar_faults import pause

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
POLL, POLL_HOOKED = timedelta(minutes=2), timedelta(minutes=10)
"""How often is asked where nothing is told, and where something is, behind it."""
HOOKED = timedelta(days=1)
OVERLAP = timedelta(minutes=2)
"""What is found lags behind what is: the last two minutes are asked for again."""
AT_ONCE = 100
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")
Due = tuple[UUID, UUID]
"""(workspace, link)"""


class CrmReader(Worker[Due]):
    topic = "crm"

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await crm_links.claim(dispatch, limit, LEASE, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, link_id = due
        try:
            await self._read(workspace_id, link_id)
        except CrmFailed as error:
            logger.warning("the CRM of workspace %s was not read: %s", workspace_id, error)
            if not await crm_faults.of_link(self._rt, workspace_id, link_id, error):
                async with self._rt.db.transaction(workspace_id) as tx:
                    link = await crm_links.get(tx, link_id)
                    await crm_links.later(tx, link_id, error.code, pause(link.attempts))

    async def _read(self, workspace_id: UUID, link_id: UUID) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            link, began = await crm_links.get(tx, link_id), tx.now
            settings = settings_of((await workspaces.get(tx)).profile)
        if link.state != "connected":
            return
        again = POLL_HOOKED if link.hooked_at and began - link.hooked_at < HOOKED else POLL
        reason, cursor = "no_mapping", None
        if settings is not None:
            crm = self._rt.crms.open(link)
            reason = await self._keep_mapping(workspace_id, link, settings, crm)
            more = await self._hear(workspace_id, link, settings, crm)
            if link.polled_at is None or began - link.polled_at >= again:
                cursor = await self._poll(workspace_id, link, settings, crm)
            again = timedelta() if more else again
        async with self._rt.db.transaction(workspace_id) as tx:
            await crm_links.read(tx, link_id, cursor, reason, began, again)
            if settings is not None:
                await crm_links.set_daily(tx, link_id, crm.pace.daily_left)

    async def _keep_mapping(
        self, workspace_id: UUID, link: Link, settings: CrmSettings, crm: GoHighLevel
    ) -> str:
        """A changed mapping brings everybody there anew. What it names and the CRM has not is told once, and not sent."""
        digest = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
        if digest == link.mapping and not link.missing:
            return ""
        there = await crm.custom_fields(anew=True)
        missing = sorted(set(settings.custom) - set(there))
        if digest == link.mapping and missing == sorted(link.missing):
            return "fields_missing"
        async with self._rt.db.transaction(workspace_id) as tx:
            await crm_links.set_mapping(tx, link.id, digest, missing)
            if missing:
                await notifications.add(
                    tx, notifications.Kind.CRM, subject_id=link.id, reason="crm_fields_missing",
                    roles=notifications.RUNNING,
                )  # fmt: skip
        return "fields_missing" if missing else ""

    async def _hear(self, workspace_id: UUID, link: Link, settings: CrmSettings, crm: GoHighLevel) -> bool:
        """What it told us. True when there is more."""
        async with self._rt.db.transaction(workspace_id) as tx:
            told = await crm_links.unread(tx, link.id, AT_ONCE)
        for external_id in dict.fromkeys(one.external_id for one in told):
            async with self._rt.db.transaction(workspace_id) as tx:
                known = await crm_contacts.heard(tx, link.id, external_id)
            if not known:
                await self._meet(workspace_id, link, settings, crm, external_id)
        self._rt.crash("crm_heard")
        async with self._rt.db.transaction(workspace_id) as tx:
            await crm_links.are_read(tx, [one.id for one in told])
        return len(told) == AT_ONCE

    async def _poll(
        self, workspace_id: UUID, link: Link, settings: CrmSettings, crm: GoHighLevel
    ) -> datetime:
        """Up to when changes there are known."""
        cursor = link.cursor_at
        for one in await crm.changed(cursor - OVERLAP):
            async with self._rt.db.transaction(workspace_id) as tx:
                known = await crm_contacts.heard(tx, link.id, one.id, one.updated_at)
            if not known and one.updated_at > link.cursor_at:
                await self._meet(workspace_id, link, settings, crm, one.id)
            cursor = max(cursor, one.updated_at)
        return cursor

    async def _meet(
        self, workspace_id: UUID, link: Link, settings: CrmSettings, crm: GoHighLevel, external_id: str
    ) -> None:
        """Somebody there whom we have not met there: who has their number or e-mail here is the same."""
        try:
            there = await crm.get(external_id)
        except CrmFailed as error:
            if error.fault is not Fault.MISSING:
                raise
            return
        numbers, email = addresses(there)
        async with self._rt.db.transaction(workspace_id) as tx:
            found = await contacts.find(tx, numbers) or await contacts.find(tx, email)
            who = found[0].root_id or found[0].id if found else None
            ways = [*numbers[:1], *email]
            if who is None and settings.take_new and ways:
                who = await _create(tx, ways, there)
            if who is not None:
                await crm_contacts.adopt(tx, link.id, who, there.id)


async def _create(tx: Tx, ways: list[Address], there: There) -> UUID | None:
    """None when somebody was faster: then they are found the next time."""
    name = there.fields.get("name")
    try:
        return await contacts.create(tx, ways, str(name)[:200] if name else None, None, "crm")
    except Conflict:
        return None


def addresses(there: There) -> tuple[list[Address], list[Address]]:
    """A number both ways, and an e-mail; each may be none."""
    number = re.sub(r"[\s().-]", "", str(there.fields.get("phone") or ""))
    email = str(there.fields.get("email") or "").strip().lower()
    ways = (Scheme.TEL, Scheme.WHATSAPP) if _NUMBER.fullmatch(number) else ()
    return [Address(way, number) for way in ways], [Address(Scheme.EMAIL, email)] if _EMAIL.fullmatch(
        email
    ) else []
