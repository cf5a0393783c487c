"""What language models were asked and what it cost, by business, day and conversation."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text

from domain.errors import ModelFailed, Trouble
from domain.llm import Allowance, Call, Ended, Standing, Usage
from store.db import Tx, new_id

_LOCK = text(
    "select pg_advisory_xact_lock(hashtextextended('model_call ' || frontdesk_workspace()::text, 0))"
)
_TODAY = text(
    "select coalesce(sum(input_tokens + output_tokens), 0) as tokens,"
    " coalesce(sum(cost) filter (where currency = :currency), 0) as cost from model_call"
    " where at >= date_trunc('day', frontdesk_now() at time zone :zone) at time zone :zone"
)
_BEGIN = text(
    "insert into model_call (workspace_id, id, conversation_id, purpose, model, input_tokens, output_tokens, cost,"
    " currency) values (:w, :id, :conversation, :purpose, :model, :input, :output, :cost, :currency)"
)
_END = text(
    "update model_call set state = :state, trouble = :trouble, ms = :ms, input_tokens = :input,"
    " output_tokens = :output, cached_tokens = :cached, written_tokens = :written, cost = :cost"
    " where id = :id and state = 'open'"
)
_LOST = text(
    "update model_call set state = 'failed', trouble = :trouble, ms = :ms where id = :id and state = 'open'"
)
_SPENT = text(
    "select model, purpose, currency, count(*) as calls, count(*) filter (where state = 'failed') as failed,"
    " sum(input_tokens) as input, sum(output_tokens) as output, sum(cost) as cost from model_call"
    " where (cast(:conversation as uuid) is null or conversation_id = :conversation)"
    " group by model, purpose, currency order by model, purpose, currency"
)


@dataclass(frozen=True, slots=True)
class Spent:
    """`cost` None: the price is in no table."""

    model: str
    purpose: str
    calls: int
    failed: int
    usage: Usage
    cost: Decimal | None
    currency: str | None


async def standing(tx: Tx, allowance: Allowance) -> Standing:
    """How far into its day's allowance the business is."""
    share = _share(*await today(tx, allowance), allowance)
    if share >= 1:
        return Standing.SPENT
    return Standing.SOFT if share >= allowance.soft else Standing.FREE


async def begin(tx: Tx, call: Call) -> UUID:
    """Hold the most that it can cost. One at a time within a business that has a limit, so that two cannot both
    take what is left. Raise ModelFailed(BUDGET)."""
    if call.allowance is not None and (call.allowance.tokens is not None or call.allowance.cost is not None):
        await tx.execute(_LOCK)
        _afford(call, call.allowance, *await today(tx, call.allowance))
    call_id = new_id()
    values = {
        "w": tx.workspace_id, "id": call_id, "conversation": call.conversation_id, "purpose": call.purpose.value,
        "model": call.model, "input": call.reserved.input, "output": call.reserved.output, "cost": call.cost,
        "currency": call.currency,
    }  # fmt: skip
    await tx.execute(_BEGIN, values)
    return call_id


async def end(tx: Tx, call_id: UUID, ended: Ended) -> None:
    """Once. Where nobody knows what it came to, what was held stays."""
    told = {
        "id": call_id,
        "trouble": ended.trouble and ended.trouble.value,
        "ms": round(ended.seconds * 1000),
    }
    if ended.usage is None:
        await tx.execute(_LOST, told)
        return
    used = ended.usage
    told |= {"input": used.input, "output": used.output, "cached": used.cached, "written": used.written}
    await tx.execute(_END, told | {"state": "failed" if ended.trouble else "answered", "cost": ended.cost})


async def spent(tx: Tx, conversation_id: UUID | None = None) -> list[Spent]:
    """Of the whole business, or of one conversation; by model and purpose."""
    rows = await tx.execute(_SPENT, {"conversation": conversation_id})
    return [
        Spent(
            row.model, row.purpose, row.calls, row.failed, Usage(int(row.input), int(row.output)), row.cost,
            row.currency,
        )
        for row in rows
    ]  # fmt: skip


async def today(tx: Tx, allowance: Allowance) -> tuple[int, Decimal]:
    """Tokens, and money of the allowance's currency; what is held for calls on their way counts."""
    values = {"zone": allowance.timezone, "currency": allowance.currency}
    row = (await tx.execute(_TODAY, values)).one()
    return int(row.tokens), Decimal(row.cost)


def _share(tokens: int, cost: Decimal, allowance: Allowance) -> Decimal:
    shares = [Decimal(0)]
    if allowance.tokens is not None:
        shares.append(Decimal(tokens) / allowance.tokens)
    if allowance.cost is not None:
        shares.append(cost / allowance.cost)
    return max(shares)


def _afford(call: Call, allowance: Allowance, tokens: int, cost: Decimal) -> None:
    if allowance.tokens is not None and tokens + call.reserved.total > allowance.tokens:
        raise ModelFailed(Trouble.BUDGET, call.model, f"{tokens} of {allowance.tokens} tokens are used today")
    if allowance.cost is None:
        return
    if call.cost is None or call.currency != allowance.currency:
        raise ModelFailed(
            Trouble.BUDGET, call.model, f"a limit in {allowance.currency} is set, its price is not known"
        )
    if cost + call.cost > allowance.cost:
        said = f"{cost:.4f} of {allowance.cost} {allowance.currency} are spent today"
        raise ModelFailed(Trouble.BUDGET, call.model, said)
