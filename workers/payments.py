"""Has customers' payments made, looked at and closed at Stripe. Whatever is asked there may be asked twice: a page is made
once for its key, and what a page says is only read."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from domain.payment import Seen, State, is_page
from integrations.stripe import PAGES, Stripe, StripeFailed, Wanted
from runtime.runtime import Runtime
from runtime.wake import DELIVERIES, EVENTS
from store import payments, settling
from store.settling import Act, Work
from workers.base import Worker

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""Longer than two requests may take."""
ABSENT = 3
"""So often nothing must be found of what was called off before it is taken for never made."""
Due = tuple[UUID, UUID]
"""(workspace, payment)"""


class PaymentWorker(Worker[Due]):
    topic = "payments"
    at_once = 4

    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        super().__init__(rt, only)
        self._lease = min(LEASE, timedelta(seconds=2 * rt.settings.send_lease_s))

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await settling.claim(dispatch, limit, self._lease, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, payment_id = due
        stripe = self._rt.open_stripe()
        async with self._rt.db.transaction(workspace_id) as tx:
            work = await settling.begin(tx, payment_id, ready=stripe is not None)
        if work is not None and stripe is not None:
            self._rt.crash("payment_asked")
            await self._do(workspace_id, stripe, work)
        for topic in (EVENTS, DELIVERIES):
            await self._rt.wake.wake(topic)

    async def _do(self, workspace_id: UUID, stripe: Stripe, work: Work) -> None:
        try:
            seen = await self._ask(workspace_id, stripe, work)
        except StripeFailed as error:
            logger.warning("payment %s: %s", work.payment.id, error.code)
            return await self._failed(workspace_id, stripe, work, error)
        self._rt.crash("payment_made")
        if seen is None:
            return await self._absent(workspace_id, work)
        if seen.status == "open" and not is_page(seen.url, self._hosts(work)):
            logger.error("payment %s: its page is on a host that is not expected", work.payment.id)
            async with self._rt.db.transaction(workspace_id) as tx:
                await settling.fail(tx, await payments.take(tx, work.payment.id), "strange_page")
            return
        async with self._rt.db.transaction(workspace_id) as tx:
            await settling.settle(tx, work.payment.id, seen)
        self._rt.crash("payment_recorded")

    async def _ask(self, workspace_id: UUID, stripe: Stripe, work: Work) -> Seen | None:
        """None when there is nothing of it there. Raise StripeFailed."""
        mine = work.payment
        if work.act is Act.MAKE:
            return await stripe.create(self._wanted(workspace_id, work), work.key, work.account)
        session_id = mine.session_id
        if session_id is None:
            found = await stripe.find(str(mine.id), work.since, work.account)
            session_id = found.session_id if found else None
        if session_id is None:
            return None
        if work.act is Act.EXPIRE:
            return await stripe.expire(session_id, work.account)
        return await stripe.retrieve(session_id, work.account)

    async def _failed(self, workspace_id: UUID, stripe: Stripe, work: Work, error: StripeFailed) -> None:
        """What passes is tried again. A key that will never have another answer has made a page, or another key will."""
        if error.spent and work.act is Act.MAKE:
            try:
                found = await stripe.find(str(work.payment.id), work.since, work.account)
            except StripeFailed as another:
                error = another
            else:
                async with self._rt.db.transaction(workspace_id) as tx:
                    if found is None:
                        return await settling.next_key(tx, work)
                    await settling.settle(tx, work.payment.id, found)
                return
        async with self._rt.db.transaction(workspace_id) as tx:
            if error.passes or work.act is not Act.MAKE:
                times = await settling.stumbled(tx, work.payment.id)
                if error.code == "resource_missing" and times >= settling.GONE:
                    await settling.fail(tx, await payments.take(tx, work.payment.id), "not_found_at_provider")
                return
            mine = await payments.take(tx, work.payment.id)
            if mine.state is State.ASKED:
                await settling.fail(tx, mine, error.code)
            else:
                await settling.later(tx, mine, 0, settling.AGAIN)

    async def _absent(self, workspace_id: UUID, work: Work) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            if await settling.stumbled(tx, work.payment.id) >= ABSENT:
                await settling.never_was(tx, work.payment.id)

    def _wanted(self, workspace_id: UUID, work: Work) -> Wanted:
        mine = work.payment
        assert mine.expires_at is not None
        back = f"{self._rt.settings.public_url}/pay/{mine.page}"
        return Wanted(
            str(mine.id), str(workspace_id), mine.label, mine.minor, mine.currency, mine.language, back, mine.expires_at
        )  # fmt: skip

    def _hosts(self, work: Work) -> list[str]:
        return [PAGES, *([work.domain] if work.domain else []), *self._rt.settings.stripe_hosts]
