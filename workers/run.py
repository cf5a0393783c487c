"""Which loops a process runs."""

import asyncio
import logging

from runtime.runtime import Runtime
from store.db import UNAVAILABLE
from workers.actions import ActionWorker
from workers.banks import BankWorker
from workers.calendar_reader import CalendarReader
from workers.calendar_writer import CalendarWriter
from workers.crm_reader import CrmReader
from workers.crm_writer import CrmWriter
from workers.deliver import DeliveryWorker
from workers.documents import DocumentWorker
from workers.embeddings import EmbeddingWorker
from workers.inbox import InboxWorker
from workers.listings import ListingWorker
from workers.media import MediaWorker
from workers.money import MoneyWorker
from workers.payments import PaymentWorker
from workers.prices import PriceWorker
from workers.prune import PruneWorker
from workers.rules import RuleWorker
from workers.schedules import ScheduleWorker
from workers.sweep import SweepWorker
from workers.templates import TemplateWorker
from workers.timers import TimerWorker
from workers.turns import TurnWorker
from workers.waiting import WaitlistWorker
from workers.webhooks import WebhookFollower, WebhookWorker

logger = logging.getLogger(__name__)


async def run_worker(rt: Runtime, stop: asyncio.Event, name: str) -> None:
    """What was acknowledged, turns, deliveries and attachments, until stopped; what is running is finished, its leases
    given back."""
    turns = TurnWorker(rt, name)
    try:
        await turns.warm_up()
    except (
        UNAVAILABLE
    ) as error:  # the database restarts: what is not learnt now is learnt with the first turn
        logger.warning("the database is away: %s", type(error).__name__)
    logger.info("ready")
    loops = (
        InboxWorker(rt).loop(), turns.loop(), DeliveryWorker(rt).loop(), MediaWorker(rt).loop(),
        DocumentWorker(rt).loop(), EmbeddingWorker(rt).loop(), ListingWorker(rt).loop(), WebhookWorker(rt).loop(),
        MoneyWorker(rt).loop(), BankWorker(rt).loop(), ActionWorker(rt).loop(), PaymentWorker(rt).loop(),
    )  # fmt: skip
    await asyncio.gather(*(loop.run(stop) for loop in loops))


async def run_scheduler(rt: Runtime, stop: asyncio.Event) -> None:
    loops = (
        TimerWorker(rt).loop(), ScheduleWorker(rt).loop(), RuleWorker(rt).loop(), TemplateWorker(rt).loop(),
        SweepWorker(rt).loop(), PruneWorker(rt).loop(), PriceWorker(rt).loop(), WebhookFollower(rt).loop(),
        CalendarWriter(rt).loop(), CalendarReader(rt).loop(), WaitlistWorker(rt).loop(),
        CrmWriter(rt).loop(), CrmReader(rt).loop(),
    )  # fmt: skip
    await asyncio.gather(*(loop.run(stop) for loop in loops))
