"""The language models that the settings name, with their ledger and cache in the database."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from dialogue.llm_chain import Chain
from dialogue.llm_choice import Choice
from dialogue.models import Models
from domain.llm import Allowance, Call, Ended, Standing
from domain.ports import Provider
from runtime import prices, telemetry
from runtime.http import Client
from runtime.settings import BadSettings, Settings
from store import answer_cache, models
from store.db import Database


class StoredLedger:
    """Each word to the ledger is a transaction of its own, so that what was spent is known whatever becomes of the
    turn, and none is open while a model thinks."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def standing(self, workspace_id: UUID, allowance: Allowance) -> Standing:
        async with self._db.transaction(workspace_id) as tx:
            return await models.standing(tx, allowance)

    async def begin(self, call: Call) -> UUID:
        async with self._db.transaction(call.workspace_id) as tx:
            return await models.begin(tx, call)

    async def end(self, workspace_id: UUID, call_id: UUID, ended: Ended) -> None:
        telemetry.MODELS.labels(ended.trouble.value if ended.trouble else "answered").observe(ended.seconds)
        async with self._db.transaction(workspace_id) as tx:
            await models.end(tx, call_id, ended)


class StoredAnswers:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, workspace_id: UUID, key: str) -> str | None:
        async with self._db.transaction(workspace_id) as tx:
            return await answer_cache.get(tx, key)

    async def put(self, workspace_id: UUID, key: str, answer: str, keep_s: float) -> None:
        async with self._db.transaction(workspace_id) as tx:
            await answer_cache.put(tx, key, answer, timedelta(seconds=keep_s))


def open_models(settings: Settings, db: Database, http: Client) -> Models | None:
    """None when everything is done without. Raise BadSettings when a script or the prices cannot be read."""
    if not settings.llm:
        return None
    links = [open_link(settings, choice, http) for choice in settings.llm]
    table = prices.read(settings.llm_prices) if settings.llm_prices else prices.read()
    ledger = StoredLedger(db)
    return Models(Chain(links, ledger, table), ledger, StoredAnswers(db), settings.llm_seconds)


def open_link(settings: Settings, choice: Choice, http: Client) -> Provider:
    """A provider's SDK is loaded when a setting names it, not before: each takes seconds."""
    if choice.provider == "openai":
        from dialogue.llm_openai import OpenAI

        return OpenAI(choice.name, settings.openai_key, settings.openai_url, http)
    if choice.provider == "anthropic":
        from dialogue.llm_anthropic import Anthropic

        return Anthropic(choice.name, settings.anthropic_key, settings.anthropic_url, http)
    from dialogue.llm_scripted import open_scripted

    try:
        return open_scripted(choice.name, Path.cwd())
    except ValueError as error:
        raise BadSettings(f"FRONTDESK_LLM: {error}") from error
