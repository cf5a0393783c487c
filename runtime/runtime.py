"""Everything a door needs, opened once: every choice of provider is made here."""

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from channels import registry
from channels.base import Account, Channel
from dialogue.models import Models
from dialogue.understand.local import LocalUnderstander
from domain.ports import Clock, Embedder, Retriever, Understander
from domain.skill import Skill
from integrations.alpaca_money import AlpacaMoney
from integrations.plaid import Plaid
from integrations.stripe import Stripe
from knowledge.embedding.hashing import Hashing
from knowledge.embedding.minilm import MiniLM, NoModel
from knowledge.embedding.openai import OpenAIEmbedder
from knowledge.search import Hybrid
from runtime.actions import HttpActions
from runtime.calendars import Calendars, open_calendars
from runtime.callbacks import StoredCalls
from runtime.crm import Crms
from runtime.diary import Diary
from runtime.homes import StoredHomes
from runtime.http import Client, open_client, open_no_client, open_public_client
from runtime.identities import StoredIdentities
from runtime.models import open_models
from runtime.moneys import StoredMoney
from runtime.payments import StoredPayments
from runtime.portfolios import StoredPortfolio
from runtime.settings import Settings
from runtime.wake import Wake, open_wake
from skills.registry import open_skills
from store.channels import ChannelRow
from store.crypto import Keyring
from store.db import Database

if TYPE_CHECKING:
    from dialogue.understand.model import Embed


logger = logging.getLogger(__name__)


class Crash(Protocol):
    """Ends the process at a named step; for the fault tests."""

    def __call__(self, step: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Runtime:
    settings: Settings
    db: Database
    http: Client
    wake: Wake
    understander: Understander
    embedder: Embedder
    knowledge: Retriever
    skills: Mapping[str, Skill]
    crash: Crash
    web: Client
    """For addresses that strangers name: it reaches what is public and nothing else."""
    crms: Crms
    """CRMs of businesses, by the tokens that those gave."""
    models: Models | None = None
    """Language models, where the settings name any."""
    calendars: Calendars | None = None
    """Calendars elsewhere, where the settings have an OAuth client."""

    def open_channel(self, row: ChannelRow) -> Channel:
        """The adapter for this channel. KeyError for a kind that this version does not have."""
        urls = {"twilio": self.settings.twilio_url, "meta": self.settings.meta_url}
        provider = row.kind.partition("_")[0]
        credentials = row.credentials or (self.settings.twilio if provider == "twilio" else {})
        base_url = urls.get(provider, "")
        return registry.open_channel(row.kind, Account(row.address, credentials, base_url, row.settings))

    def open_broker(self) -> AlpacaMoney | None:
        """Where money moves; None without a key."""
        return open_broker(self.settings, self.http)

    def open_plaid(self) -> Plaid | None:
        """Where banks are linked; None without a key."""
        chosen = self.settings.plaid
        return Plaid(self.http, self.settings.plaid_url, *chosen) if chosen else None

    def open_stripe(self) -> Stripe | None:
        """Where customers pay; None without a key."""
        key = self.settings.stripe_key
        return Stripe(self.http, self.settings.stripe_url, key) if key else None

    def split(self, kind: str, text: str) -> list[str]:
        return registry.open_channel(kind, Account("", {})).split(text)

    def status_url(self, channel_id: UUID, message_id: UUID, part: int) -> str:
        """Where the provider shall report; our id rides along, for reports that come before the answer."""
        return f"{self.settings.public_url}/channels/{channel_id}/status?m={message_id}&p={part}"


@asynccontextmanager
async def open_runtime(
    settings: Settings, clock: Clock | None = None, understander: Understander | None = None
) -> AsyncIterator[Runtime]:
    """`understander`: one that has learnt already; else a new one, which learns when it must."""
    db = Database(settings.database_url, Keyring(settings.secrets), clock=clock)
    wake = open_wake(settings.redis_url)
    outside = open_no_client() if settings.shut_in else open_public_client(settings.fetch_inside)
    async with open_client() as http, outside as web:
        calendars = open_calendars(settings, http)
        try:
            minilm = MiniLM()
            understander = understander or LocalUnderstander(lambda: meaning(minilm))
            embedder = choose_embedder(settings, http, minilm)
            crash = crash_at(settings.crash_at)
            knowledge = Hybrid(db, minilm, embedder)  # what was embedded here before goes on serving
            skills = open_skills(
                Diary(db), StoredPortfolio(db), StoredIdentities(db),
                StoredMoney(db, lambda: open_broker(settings, http)), StoredHomes(db, minilm, embedder),
                HttpActions(db, web), StoredCalls(db),
                StoredPayments(db, settings.public_url, ready=bool(settings.stripe_key)),
            )  # fmt: skip
            yield Runtime(
                settings, db, http, wake, understander, embedder, knowledge, skills, crash, web,
                Crms(settings, http), open_models(settings, db, http), calendars,
            )  # fmt: skip
        finally:
            if calendars is not None:
                await calendars.close()
            await wake.close()
            await db.close()


def open_broker(settings: Settings, http: Client) -> AlpacaMoney | None:
    return AlpacaMoney(http, settings.alpaca_url, *settings.alpaca) if settings.alpaca else None


def meaning(minilm: MiniLM) -> "Embed | None":
    """Without the weights messages are understood by their words alone; `frontdesk doctor` says so too."""
    try:
        minilm.load()
    except NoModel as error:
        logger.warning("messages are understood by their words alone: %s", error)
        return None
    return minilm.vectors


def choose_embedder(settings: Settings, http: Client, local: MiniLM) -> Embedder:
    """One that loads when it is first used."""
    chosen = settings.embedder
    match chosen.kind:
        case "hash":
            return Hashing()
        case "openai":
            return OpenAIEmbedder(
                http, settings.openai_url, settings.openai_key, chosen.model, chosen.dimensions
            )
    return local


def crash_at(chosen: str | None) -> Crash:
    """`chosen` is a step, or `step:3` for the third time that the process comes there."""
    name, _, times = (chosen or "").partition(":")
    left = int(times or 1)

    def crash(step: str) -> None:
        nonlocal left
        if step == name:
            left -= 1
            if left == 0:
                os._exit(137)

    return crash
