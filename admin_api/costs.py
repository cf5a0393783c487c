"""What language models were asked and what it cost: by model, by day and by conversation, and what is left of today."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel

from admin_api import pagination
from admin_api.auth import Admitted, Guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import Moment
from dialogue.models import allowed_by
from domain.llm import Allowance, Standing
from store import conversations, models, spending, workspaces

router = APIRouter(prefix="/analytics/costs", route_class=Guarded, tags=["analytics"])

Days = Annotated[
    int, Query(ge=1, le=366, description="How many days, today included, in the business's zone.")
]


class Money(BaseModel):
    amount: str
    currency: str


class Use(BaseModel):
    """Calls that are open are counted with the most that they can come to; `unpriced` ones cost what nobody knows."""

    calls: int
    failed: int
    open: int
    unpriced: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    """Part of the input: read from the provider's cache."""
    costs: list[Money]
    """One a currency."""


class ModelUse(Use):
    model: str
    purpose: str


class DayUse(Use):
    day: date


class ConversationUse(Use):
    conversation_id: UUID
    last_at: Moment


class TokenBudget(BaseModel):
    limit: int
    used: int
    left: int


class MoneyBudget(BaseModel):
    currency: str
    limit: str
    used: str
    left: str


class Budget(BaseModel):
    """Of today. None: no limit is set. What is held for calls on their way counts as used."""

    day: date
    timezone: str
    standing: Standing
    """soft: models are asked only where nothing else has an answer; spent: not at all."""
    soft: str
    """The share from which on it is soft."""
    tokens: TokenBudget | None
    cost: MoneyBudget | None


class Costs(BaseModel):
    since: Moment
    budget: Budget
    models: list[ModelUse]
    days: list[DayUse]
    """Those on which a model was asked."""


@router.get("")
async def costs(here: Admitted, days: Days = 30, conversation_id: UUID | None = None) -> Costs:
    """By model and purpose, and by day; of one conversation if it is named. The budget is always the business's."""
    async with here.transaction() as tx:
        allowance = allowed_by((await workspaces.get(tx)).profile)
        if conversation_id is not None:
            await conversations.get(tx, conversation_id)
        since = _since(tx.now, days, allowance.timezone)
        by_model = await spending.by_model(tx, since, conversation_id)
        by_day = await spending.by_day(tx, since, allowance.timezone, conversation_id)
        used = await models.today(tx, allowance)
        standing = await models.standing(tx, allowance)
    return Costs(
        since=since,
        budget=_budget(allowance, tx.now, standing, *used),
        models=[ModelUse(model=one.model, purpose=one.purpose, **_told(one.use)) for one in by_model],
        days=[DayUse(day=one.day, **_told(one.use)) for one in by_day],
    )


@router.get("/conversations")
async def by_conversation(
    here: Admitted, days: Days = 30, limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[ConversationUse]:
    """Those that used most tokens first. A conversation that used more between two pages may be in both."""
    before = pagination.read_count("costs", cursor)
    async with here.transaction() as tx:
        zone = (await workspaces.get(tx)).profile.workspace.timezone
        rows = await spending.by_conversation(tx, _since(tx.now, days, zone), before, limit + 1)
    return pagination.page(
        rows,
        limit,
        lambda row: ConversationUse(
            conversation_id=row.conversation_id, last_at=row.last_at, **_told(row.use)
        ),
        lambda row: pagination.write("costs", row.use.usage.total, row.conversation_id),
    )


def _since(now: datetime, days: int, zone: str) -> datetime:
    """Midnight of the first of so many days."""
    first = now.astimezone(ZoneInfo(zone)).date() - timedelta(days=days - 1)
    return datetime.combine(first, time(), ZoneInfo(zone))


def _budget(allowance: Allowance, now: datetime, standing: Standing, tokens: int, cost: Decimal) -> Budget:
    limit = allowance.tokens
    of_tokens = None if limit is None else TokenBudget(limit=limit, used=tokens, left=max(0, limit - tokens))
    money = allowance.cost
    of_money = None if money is None else MoneyBudget(
        currency=allowance.currency, limit=_plain(money), used=_plain(cost), left=_plain(max(Decimal(0), money - cost))
    )  # fmt: skip
    return Budget(
        day=now.astimezone(ZoneInfo(allowance.timezone)).date(), timezone=allowance.timezone, standing=standing,
        soft=_plain(allowance.soft), tokens=of_tokens, cost=of_money,
    )  # fmt: skip


def _told(use: spending.Use) -> dict[str, Any]:
    return {
        "calls": use.calls, "failed": use.failed, "open": use.open, "unpriced": use.unpriced,
        "input_tokens": use.usage.input, "output_tokens": use.usage.output, "cached_tokens": use.usage.cached,
        "costs": list(_moneys(use.costs.items())),
    }  # fmt: skip


def _moneys(costs_: Iterable[tuple[str, Decimal]]) -> Iterable[Money]:
    return (Money(amount=_plain(cost), currency=currency) for currency, cost in sorted(costs_))


def _plain(amount: Decimal) -> str:
    """Without an exponent and without zeros that say nothing."""
    told = f"{amount:f}"
    return told.rstrip("0").rstrip(".") if "." in told else told
