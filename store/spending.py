"""The ledger of language models, read: what was used of a day's allowance, by day, and by conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text

from domain.llm import Usage
from store.db import Tx

_SUMS = (
    "count(*) as calls, count(*) filter (where state = 'failed') as failed, count(*) filter (where state = 'open') as open,"
    " count(*) filter (where cost is null) as unpriced, sum(input_tokens) as input, sum(output_tokens) as output,"
    " sum(cached_tokens) as cached, sum(written_tokens) as written, sum(cost) as cost"
)
_OF = " where at >= :since and (cast(:conversation as uuid) is null or conversation_id = :conversation)"
_TOGETHER = (
    "sum(calls) as calls, sum(failed) as failed, sum(open) as open, sum(unpriced) as unpriced, sum(input) as input,"
    " sum(output) as output, sum(cached) as cached, sum(written) as written,"
    " coalesce(jsonb_object_agg(currency, cost::text) filter (where cost is not null), '{}') as costs"
)
_MODELS = text(
    f"with each as (select model, purpose, currency, {_SUMS} from model_call{_OF} group by 1, 2, 3)"  # noqa: S608
    f" select model, purpose, {_TOGETHER} from each group by 1, 2 order by 1, 2"
)
_DAYS = text(
    f"with each as (select (at at time zone :zone)::date as day, currency, {_SUMS} from model_call{_OF} group by 1, 2)"  # noqa: S608
    f" select day, {_TOGETHER} from each group by 1 order by 1"
)
_CONVERSATIONS = text(
    f"with each as (select conversation_id, currency, {_SUMS}, max(at) as last_at from model_call"  # noqa: S608
    "  where at >= :since and conversation_id is not null group by 1, 2)"
    f" select conversation_id, max(last_at) as last_at, {_TOGETHER} from each group by 1"
    " having cast(:tokens as numeric) is null"
    "  or (sum(input) + sum(output), conversation_id) < (cast(:tokens as numeric), cast(:before as uuid))"
    " order by sum(input) + sum(output) desc, conversation_id desc limit :limit"
)


@dataclass(frozen=True, slots=True)
class Use:
    """Of calls that are still `open`, the most that they can come to. `costs` by currency; calls whose price is in no
    table are `unpriced`."""

    calls: int
    failed: int
    open: int
    unpriced: int
    usage: Usage
    costs: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class OfModel:
    model: str
    purpose: str
    use: Use


@dataclass(frozen=True, slots=True)
class OfDay:
    day: date
    use: Use


@dataclass(frozen=True, slots=True)
class OfConversation:
    conversation_id: UUID
    last_at: datetime
    use: Use


async def by_model(tx: Tx, since: datetime, conversation_id: UUID | None = None) -> list[OfModel]:
    rows = await tx.execute(_MODELS, {"since": since, "conversation": conversation_id})
    return [OfModel(row.model, row.purpose, _use(row)) for row in rows]


async def by_day(tx: Tx, since: datetime, zone: str, conversation_id: UUID | None = None) -> list[OfDay]:
    """The earliest first; days on which nothing was asked are left out."""
    rows = await tx.execute(_DAYS, {"since": since, "zone": zone, "conversation": conversation_id})
    return [OfDay(row.day, _use(row)) for row in rows]


async def by_conversation(
    tx: Tx, since: datetime, before: tuple[int, UUID] | None, limit: int
) -> list[OfConversation]:
    """Most tokens first; `before` is (tokens, id) of the last one seen."""
    tokens, last = before or (None, None)
    rows = await tx.execute(
        _CONVERSATIONS, {"since": since, "tokens": tokens, "before": last, "limit": limit}
    )
    return [OfConversation(row.conversation_id, row.last_at, _use(row)) for row in rows]


def _use(row: object) -> Use:
    def count(name: str) -> int:
        return int(getattr(row, name))

    usage = Usage(count("input"), count("output"), count("cached"), count("written"))
    costs = {currency: Decimal(cost) for currency, cost in getattr(row, "costs").items()}  # noqa: B009
    return Use(count("calls"), count("failed"), count("open"), count("unpriced"), usage, costs)
