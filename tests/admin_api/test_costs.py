"""The ledger of language models as its business sees it: by model, day and conversation, and what is left of today."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from domain.errors import Trouble
from domain.llm import Call, Ended, Price, Purpose, Usage
from store import models
from tests.admin_api.api_rig import Api, Business, Shop, is_problem
from tests.rig import NOBODY

PRICE = Price("USD", Decimal("1.00"), Decimal("10.00"))
EUROS = Price("EUR", Decimal("2.00"), Decimal("2.00"))
CHICAGO = ZoneInfo("America/Chicago")
OpenBusiness = Callable[..., Awaitable[Business]]
_AT = text("update model_call set at = :at where id = :id")
_COSTS = "/analytics/costs"


@pytest.fixture
async def limited(api: Api, open_business: OpenBusiness) -> Shop:
    """Ten thousand tokens and a dollar a day, in Chicago."""
    rules = {"tokens_per_day": 10_000, "cost_per_day": "1.00"}
    return Shop(api, await open_business(models=rules))


async def spend(
    shop: Shop,
    usage: Usage | None,
    *,
    of: UUID | None = None,
    price: Price | None = PRICE,
    days_ago: int = 0,
    model: str = "openai:x",
    purpose: Purpose = Purpose.COMPOSE,
    trouble: Trouble | None = None,
    reserved: int = 100,
) -> None:
    """One call. `usage` None: it is still on its way."""  # fmt: skip
    held = Usage(reserved, 0)
    cost, currency = (price.of(held), price.currency) if price else (None, None)
    call = Call(shop.business.id, of, purpose, model, held, cost, currency, None)
    async with shop.business.rt.db.transaction(shop.business.id) as tx:
        call_id = await models.begin(tx, call)
        if usage is not None:
            ended = Ended(usage, price.of(usage) if price else None, 0.5, trouble)
            await models.end(tx, call_id, ended)
        await tx.execute(_AT, {"id": call_id, "at": tx.now - timedelta(days=days_ago)})


async def told(shop: Shop, query: str = "", who: str = "viewer") -> dict[str, Any]:
    answer = await shop.ask("GET", _COSTS + query, who=who)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_nothing_was_asked(shop: Shop) -> None:
    found = await told(shop)
    assert (found["models"], found["days"]) == ([], [])
    budget = found["budget"]
    assert (budget["tokens"], budget["cost"], budget["standing"]) == (None, None, "free")
    assert (await told(shop, "/conversations")) == {"items": [], "next_cursor": None}


async def test_by_model_and_purpose(limited: Shop) -> None:
    await spend(limited, Usage(1_000, 100, cached=400))
    await spend(limited, Usage(10, 0), trouble=Trouble.BAD_JSON)
    await spend(limited, Usage(7, 1), purpose=Purpose.UNDERSTAND)
    await spend(limited, Usage(5, 5), price=EUROS, model="anthropic:y")
    await spend(limited, Usage(3, 3), price=None, model="anthropic:y")
    found = await told(limited)
    asked = {(one["model"], one["purpose"]): one for one in found["models"]}
    assert list(asked) == [("anthropic:y", "compose"), ("openai:x", "compose"), ("openai:x", "understand")]
    worded = asked["openai:x", "compose"]
    assert (worded["calls"], worded["failed"], worded["open"], worded["unpriced"]) == (2, 1, 0, 0)
    assert (worded["input_tokens"], worded["output_tokens"], worded["cached_tokens"]) == (1_010, 100, 400)
    assert worded["costs"] == [{"amount": "0.00201", "currency": "USD"}]
    other = asked["anthropic:y", "compose"]
    assert (other["calls"], other["unpriced"]) == (2, 1)
    assert other["costs"] == [{"amount": "0.00002", "currency": "EUR"}]


async def test_days_are_the_businesss_own(limited: Shop) -> None:
    for days_ago, tokens in ((0, 1), (1, 10), (1, 20), (6, 300), (7, 4_000)):
        await spend(limited, Usage(tokens, 0), days_ago=days_ago)
    found = await told(limited, "?days=7")
    today = datetime.now(CHICAGO).date()
    days = [(one["day"], one["input_tokens"]) for one in found["days"]]
    assert days == [(str(today - timedelta(days=n)), tokens) for n, tokens in ((6, 300), (1, 30), (0, 1))]
    assert found["since"].endswith("Z")
    since = datetime.fromisoformat(found["since"]).astimezone(CHICAGO)
    assert (since.date(), since.hour, since.minute) == (today - timedelta(days=6), 0, 0)


async def test_what_is_left_of_today(limited: Shop) -> None:
    await spend(limited, Usage(5_000, 0), days_ago=1)
    await spend(limited, Usage(2_000, 10))
    budget = (await told(limited))["budget"]
    assert budget["tokens"] == {"limit": 10_000, "used": 2_010, "left": 7_990}
    assert budget["cost"] == {"currency": "USD", "limit": "1", "used": "0.0021", "left": "0.9979"}
    assert (budget["standing"], budget["soft"], budget["timezone"]) == ("free", "0.8", "America/Chicago")
    await spend(limited, None, reserved=6_500)
    assert (await told(limited))["budget"]["standing"] == "soft"
    assert (await told(limited))["models"][0]["open"] == 1
    await spend(limited, Usage(9_000, 0))
    budget = (await told(limited))["budget"]
    assert (budget["tokens"]["left"], budget["standing"]) == (0, "spent")


async def test_by_conversation(limited: Shop) -> None:
    talks = [(await limited.business.customer("Hi")).conversation_id for _ in range(3)]
    for talk, tokens in zip(talks, (50, 500, 50), strict=True):
        await spend(limited, Usage(tokens, 0), of=talk)
    await spend(limited, Usage(1, 1), of=talks[0], price=EUROS)
    await spend(limited, Usage(9_999, 0))  # of none
    first = await told(limited, "/conversations?limit=2")
    rest = await told(limited, f"/conversations?limit=2&cursor={first['next_cursor']}")
    seen = [(UUID(one["conversation_id"]), one["input_tokens"]) for one in first["items"] + rest["items"]]
    assert seen == [(talks[1], 500), (talks[0], 51), (talks[2], 50)]
    assert rest["next_cursor"] is None
    assert [one["currency"] for one in first["items"][1]["costs"]] == ["EUR", "USD"]
    alone = await told(limited, f"?conversation_id={talks[1]}")
    assert [one["input_tokens"] for one in alone["models"]] == [500]
    assert alone["budget"]["tokens"]["used"] == 50 + 500 + 50 + 2 + 9_999


async def test_whose_customer_was_erased_is_still_counted(limited: Shop) -> None:
    talk = (await limited.business.customer("Hi")).conversation_id
    await spend(limited, Usage(7, 0), of=talk)
    contact = (await limited.ask("GET", f"/conversations/{talk}")).json()["contact"]["id"]
    assert (await limited.ask("DELETE", f"/contacts/{contact}", who="owner")).status_code < 300
    assert (await told(limited))["models"][0]["input_tokens"] == 7
    assert (await told(limited, "/conversations"))["items"] == []


async def test_somebody_elses_is_not_there(limited: Shop, other: Business) -> None:
    talk = (await limited.business.customer("Hi")).conversation_id
    await spend(limited, Usage(7, 0), of=talk)
    theirs = Shop(limited.api, other)
    assert (await told(theirs))["models"] == []
    for conversation in (talk, NOBODY):
        answer = await theirs.ask("GET", f"{_COSTS}?conversation_id={conversation}")
        is_problem(answer, 404, "not_found")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?days=0", "/query/days"),
        ("?days=367", "/query/days"),
        ("?days=many", "/query/days"),
        ("?conversation_id=x", "/query/conversation_id"),
        ("/conversations?limit=0", "/query/limit"),
    ],
)
async def test_what_cannot_be_asked(shop: Shop, query: str, pointer: str) -> None:
    is_problem(await shop.ask("GET", _COSTS + query), 422, "invalid", pointer)


async def test_another_lists_cursor(shop: Shop) -> None:
    answer = await shop.ask("GET", f"{_COSTS}/conversations?cursor=WyJkcmFmdHMiXQ")
    is_problem(answer, 422, "bad_cursor", "/query/cursor")


@pytest.mark.parametrize(("who", "status"), [("viewer", 200), ("reader", 200), ("nothing", 403)])
async def test_rights(shop: Shop, who: str, status: int) -> None:
    for path in (_COSTS, f"{_COSTS}/conversations"):
        assert (await shop.ask("GET", path, who=who)).status_code == status
