"""Where stories are played: the real web door, workers and store, a provider on loopback, and a clock that only
moves when the story says so."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.ports import Understander
from frontdesk.app import create_app
from frontdesk.serving import listen, serving, url_of
from runtime.runtime import Runtime, open_runtime
from runtime.settings import Settings
from simulators import alpaca, gohighlevel, google_calendar, meta, plaid, stripe, twilio
from simulators.twilio.serving import Running
from store import receipts, sending, turns
from workers.actions import ActionWorker
from workers.banks import BankWorker
from workers.calendar_reader import CalendarReader
from workers.calendar_writer import CalendarWriter
from workers.crm_reader import CrmReader
from workers.crm_writer import CrmWriter
from workers.deliver import DeliveryWorker
from workers.inbox import ELSEWHERE_S, InboxWorker
from workers.media import MediaWorker
from workers.money import MoneyWorker
from workers.payments import PaymentWorker
from workers.rules import RuleWorker
from workers.schedules import ScheduleWorker
from workers.templates import TemplateWorker
from workers.timers import TimerWorker
from workers.turns import TurnWorker
from workers.waiting import WaitlistWorker
from workers.webhooks import WebhookFollower, WebhookWorker

SOON = timedelta(seconds=30)


@dataclass(slots=True)
class StoryClock:
    """The instant of the story; the database takes it for its own."""

    frozen: datetime | None = None

    def now(self) -> datetime:
        return self.frozen or datetime.now(UTC)


@dataclass(slots=True)
class Stage:
    rt: Runtime
    clock: StoryClock
    provider: Running
    meta: meta.Running
    google: google_calendar.Running
    broker: alpaca.Running
    plaid: plaid.Running
    stripe: stripe.Running
    crm: gohighlevel.Running

    async def settle(self, workspace_id: UUID) -> None:
        """Let everything happen that is due, and that becomes due within half a minute because of it."""
        often = (
            InboxWorker(self.rt, workspace_id),
            TurnWorker(self.rt, "story", workspace_id),
            DeliveryWorker(self.rt, workspace_id),
            RuleWorker(self.rt, workspace_id),
        )
        seldom = (
            ScheduleWorker(self.rt, workspace_id),
            TimerWorker(self.rt, workspace_id),
            TemplateWorker(self.rt, workspace_id),
            MediaWorker(self.rt, workspace_id),
            WebhookFollower(self.rt, workspace_id),
            WebhookWorker(self.rt, workspace_id),
            MoneyWorker(self.rt, workspace_id),
            BankWorker(self.rt, workspace_id),
            PaymentWorker(self.rt, workspace_id),
            ActionWorker(self.rt, workspace_id),
            CalendarWriter(self.rt, workspace_id),
            CalendarReader(self.rt, workspace_id),
            WaitlistWorker(self.rt, workspace_id),
            CrmReader(self.rt, workspace_id),
            CrmWriter(self.rt, workspace_id),
        )
        until = self._now() + SOON
        while True:
            if await _once(often) or await self._once_together(seldom):
                continue
            if self.stripe.state.tasks:
                await self.stripe.state.quiet()
            elif await self._is_unread(workspace_id):
                await asyncio.sleep(ELSEWHERE_S)  # a moment ago somebody else was reading there
            elif not await self._skip(workspace_id, until):
                return

    async def _once_together(self, workers: Sequence[Any]) -> bool:
        """The same for those that do not wait for one another: nearly always there is nothing for any of them."""
        async with self.rt.db.dispatch_shared():
            claimed = [(worker, await worker.claim(8)) for worker in workers]
        due = [(worker, one) for worker, found in claimed for one in found]
        for worker, one in due:
            await worker.work(one)
        return bool(due)

    async def _skip(self, workspace_id: UUID, until: datetime) -> bool:
        """Move the clock to the next thing that is due before `until`."""
        async with self.rt.db.dispatch() as dispatch:
            due = [
                await turns.next_due(dispatch, workspace_id),
                await sending.next_due(dispatch, workspace_id),
            ]
        coming = [at for at in due if at is not None and at <= until]
        if not coming:
            return False
        self.clock.frozen = max(self._now() + timedelta(milliseconds=1), min(coming))
        return True

    async def read(self, workspace_id: UUID) -> None:
        """What was acknowledged stands in its conversations, and nothing follows from it yet."""
        worker = InboxWorker(self.rt, workspace_id)
        while await self._is_unread(workspace_id):
            for claimed in await worker.claim(1):
                await worker.work(claimed)

    async def _is_unread(self, workspace_id: UUID) -> bool:
        async with self.rt.db.dispatch() as dispatch:
            return bool(await receipts.claim(dispatch, workspace_id))

    def _now(self) -> datetime:
        assert self.clock.frozen is not None
        return self.clock.frozen


async def _once(workers: Sequence[Any]) -> bool:
    """Each does what is due for it; whether anything was."""
    worked = False
    for worker in workers:
        for one in await worker.claim(8):
            await worker.work(one)
            worked = True
    return worked


@asynccontextmanager
async def open_stage(settings: Settings, understander: Understander | None = None) -> AsyncIterator[Stage]:
    """`settings` name the database; everything else is made here and gone afterwards, but for an understander that
    has learnt before."""
    listener, clock = listen("127.0.0.1", 0), StoryClock()
    async with (
        twilio.serve(port=0, config=twilio.Config(step_delay=0.001, clock=clock.now)) as provider,
        meta.serve(port=0, config=meta.Config(step_delay=0.001, clock=clock.now)) as other,
        google_calendar.serve(config=google_calendar.Config(clock=clock.now)) as google,
        alpaca.serve(config=alpaca.Config(clock=clock.now)) as broker,
        plaid.serve(config=plaid.Config(clock=clock.now)) as linking,
        stripe.serve(
            config=stripe.Config(clock=clock.now, webhook_url=f"{url_of(listener)}/hooks/stripe")
        ) as paying,
        gohighlevel.serve(config=gohighlevel.Config(clock=clock.now, most=100_000, span_s=1.0)) as crm,
    ):
        here = replace(settings, redis_url=None, public_url=url_of(listener))
        here = replace(here, twilio_url=provider.url, meta_url=other.url, google_url=google.url)
        client = google.state.config
        here = replace(here, google=(client.client_id, client.client_secret))
        keys, linked = broker.state.config, linking.state.config
        here = replace(here, alpaca_url=broker.url, alpaca=(keys.key, keys.secret))
        here = replace(here, plaid_url=linking.url, plaid=(linked.client_id, linked.secret))
        paid = paying.state.config
        here = replace(
            here, stripe_url=paying.url, stripe_key=paid.key, stripe_webhook_secrets=paid.webhook_secrets
        )
        here = replace(here, ghl_url=crm.url, ghl_webhook_keys=crm.state.public_key)
        async with open_runtime(here, clock, understander) as rt, serving(create_app(rt), listener):
            yield Stage(rt, clock, provider, other, google, broker, linking, paying, crm)
