"""One contact and their other half in the CRM, brought to say the same: looked at on both sides, decided, sent, taken,
written down. It may be done twice, at any time, in any order: what is the same already is left alone."""

import logging
from uuid import UUID

from domain.crm import State, Stop, plain
from domain.crm_settings import LANGUAGE, NAME, CrmSettings
from domain.messages import Keyword
from domain.rules.effects import SetTag
from domain.workspace import Profile
from integrations.gohighlevel import GoHighLevel
from integrations.gohighlevel_answers import CrmFailed, Fault, There
from runtime.runtime import Runtime
from store import audit, contacts, contexts, crm_changes, crm_contacts, crm_links, crm_ours, ruling
from store.crm_contacts import Half
from store.crm_links import Link
from store.crm_ours import Standing
from store.db import Tx
from workers import crm_notes, crm_view
from workers.crm_plan import Plan, plan
from workers.crm_view import View

logger = logging.getLogger(__name__)

ACTOR = "crm"


class CrmSync:
    """One contact, once."""

    def __init__(
        self, rt: Runtime, workspace_id: UUID, link: Link, profile: Profile, settings: CrmSettings
    ) -> None:
        self._rt, self._workspace_id, self._link = rt, workspace_id, link
        self._profile, self._settings = profile, settings
        self._crm: GoHighLevel = rt.crms.open(link)

    async def bring(self, half: Half) -> None:
        """Raise CrmFailed."""
        if half.gone:
            return await self._erase(half)
        async with self._rt.db.transaction(self._workspace_id) as tx:
            standing = await crm_ours.standing(tx, half.contact_id)
            if standing is None or standing.contact.root_id is not None:
                reason = "erased" if standing is None else "merged"
                return await crm_contacts.end(tx, half, "left", reason)
            view = crm_view.view(standing, self._profile, self._settings, half.agreed, tx.now)
        there = await self._there(half, view)
        if there is None and half.external_id is not None:
            return await self._end(half, "left", "deleted_there")
        if there is None and view.phone is None and view.email is None:
            return await self._end(half, "done", None)
        if there is not None and not await self._is_ours(there, half):
            return await self._end(half, "failed", "another_contact_has_it")
        external = await self._agree(half, view, there)
        if external is not None:
            await crm_notes.write(self._rt, self._workspace_id, self._crm, half, external, self._profile)

    async def _there(self, half: Half, view: View) -> There | None:
        if half.external_id is None:
            return await self._crm.find(view.phone, view.email)
        try:
            return await self._crm.get(half.external_id)
        except CrmFailed as error:
            if error.fault is not Fault.MISSING:
                raise
            return None

    async def _is_ours(self, there: There, half: Half) -> bool:
        if half.external_id == there.id:
            return True
        async with self._rt.db.transaction(self._workspace_id) as tx:
            return await crm_contacts.free_for(tx, half.link_id, there.id, half.contact_id)

    async def _agree(self, half: Half, view: View, there: There | None) -> str | None:
        """The id there; None when another contact has it."""
        agreed = half.agreed if there is not None else State()
        if half.sending is not None and there is not None:
            agreed = half.sending.arrived_in(agreed, there.fields, there.tags, stop=there.stopped)
        missing = set(self._settings.custom) - set(await self._crm.custom_fields())
        made = plan(view, there, agreed, missing)
        answered = there
        if made.sends or there is None:
            async with self._rt.db.transaction(self._workspace_id) as tx:
                await crm_contacts.set_sending(tx, half, there.id if there else None, made.sending)
            self._rt.crash("crm_sending")
            answered = await self._send(made, there)
            self._rt.crash("crm_sent")
        assert answered is not None
        if there is None and not await self._is_ours(answered, half):
            await self._end(half, "failed", "another_contact_has_it")
            return None
        async with self._rt.db.transaction(self._workspace_id) as tx:
            await self._record(tx, half, made, answered)
        return answered.id

    async def _send(self, made: Plan, there: There | None) -> There:
        if there is None:
            answered = await self._crm.upsert(made.body, made.stops)
        elif made.body or made.stops is not None:
            answered = await self._crm.update(there.id, made.body, made.stops)
        else:
            answered = there
        if made.tags.add_there:
            await self._crm.add_tags(answered.id, made.tags.add_there)
        if made.tags.remove_there:
            await self._crm.remove_tags(answered.id, made.tags.remove_there)
        return answered

    async def _record(self, tx: Tx, half: Half, made: Plan, answered: There) -> None:
        """Locks: addresses, conversation, then the row, as everybody who changes them and so comes to the row last."""
        standing = made.view.standing
        if made.stop is Stop.TAKE:
            for one in standing.contact.known:
                await contacts.hold_number(tx, one.address)
        if made.takes:
            await crm_ours.hold(tx, standing)
        held = await crm_contacts.hold(tx, half.link_id, half.contact_id)
        if held is None or held.gone:
            if held is not None:  # erased while it was sent: what was made there is to go too
                await crm_contacts.settle(tx, held, answered.id, held.agreed, None, clean=False)
            return
        clean = held.change == half.change
        took = clean and made.takes
        if took:
            await _take(tx, made, standing)
        there_at = answered.updated_at if not made.tags.sends else None
        await crm_contacts.settle(
            tx, half, answered.id, made.state(answered, took=took or not made.takes), there_at, clean=clean
        )
        talk_id = standing.talk.id if standing.talk else None
        passed = [one for one in made.passed if took or one.outcome != "taken"]
        await crm_changes.passed(tx, half, talk_id, passed)
        await crm_links.set_daily(tx, half.link_id, self._crm.pace.daily_left)
        if took:
            fields = sorted({one.field for one in passed if one.outcome == "taken"})
            await audit.add(tx, ACTOR, "contact_changed", "contact", half.contact_id, fields=fields)

    async def _erase(self, half: Half) -> None:
        if half.external_id is not None and self._settings.when_erased == "delete":
            await self._crm.delete(half.external_id)
            self._rt.crash("crm_deleted")
        async with self._rt.db.transaction(self._workspace_id) as tx:
            await crm_contacts.end(tx, half, "left", "erased", forget=True)
            await audit.add(
                tx, "system", "crm_contact_erased", "contact", half.contact_id,
                there=self._settings.when_erased if half.external_id else "unknown",
            )  # fmt: skip

    async def _end(self, half: Half, state: str, reason: str | None) -> None:
        async with self._rt.db.transaction(self._workspace_id) as tx:
            await crm_contacts.end(tx, half, state, reason)
            if state == "left":
                await audit.add(tx, ACTOR, f"crm_contact_{reason}", "contact", half.contact_id)


async def _take(tx: Tx, made: Plan, standing: Standing) -> None:
    contact_id = standing.contact.id
    taken = dict(made.taken)
    if NAME in taken:
        await contacts.rename(tx, contact_id, str(taken.pop(NAME)), by="crm")
    if LANGUAGE in taken:
        await contacts.set_language(tx, contact_id, str(taken.pop(LANGUAGE)))
    if standing.talk is not None:
        await contexts.set_in_crm(tx, standing.talk.id, taken)
        there = {plain(one): one for one in standing.talk.tags}
        for one in made.tags.add_here:
            await ruling.tag(tx, standing.talk.id, SetTag(one, on=True))
        for one in made.tags.remove_here:
            await ruling.tag(tx, standing.talk.id, SetTag(there.get(one, one), on=False))
    if made.stop is Stop.TAKE:
        for address_id in standing.not_out:
            await contacts.record_consent(
                tx, address_id, Keyword.STOP, ACTOR, "Do not disturb was set in the CRM", None
            )
