"""Orders to trade: a price is asked for, and the order that is read back holds to it. What to buy is never said."""

import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal
from uuid import UUID

from domain import advice
from domain.money import Intent, Kind, MoneySettings, Quote, Standing
from domain.ports import Moneys
from domain.skill import Heard, Run, RunState, Said, Step
from skills.money import confirm, wish

_I = re.IGNORECASE
_SIDES: dict[str, Literal["buy", "sell"]] = {
    "buy": "buy", "purchase": "buy", "comprar": "buy", "compra": "buy", "compre": "buy", "compro": "buy",
    "sell": "sell", "vender": "sell", "vende": "sell", "venda": "sell", "vendo": "sell",
}  # fmt: skip
_SIDE = re.compile(rf"\b({'|'.join(_SIDES)})\b", _I)
_SHARES = re.compile(
    r"\b(?:(\d{1,6}(?:\.\d{1,6})?)\s+(?:shares?|units?|stocks?|acciones|acci[oó]n|participaciones)\b"
    r"|(\d{1,6})\s+(?:of\s+|de\s+)?[A-Z]{1,5}\b)"
)
_SYMBOL = re.compile(r"(?<![\w$])\$?([A-Z]{1,5}(?:\.[A-Z])?)(?![\w])")
_ASKS = re.compile(
    r"\b(?:should (?:i|we)|shall i|would you|do you (?:think|recommend)|is it (?:smart|wise|a good)"
    r"|good (?:time|idea)|what (?:should|would|to)"
    r"|which|recommend\w*|advi[cs]e|how (?:do|can|much)|what (?:is|are)|deber[ií]a|conviene"
    r"|recomiend\w+|c[oó]mo|cu[aá]nto|qu[eé])\b",
    _I,
)
_NO_SYMBOL = frozenset({"I", "A", "OK", "USD", "US", "YES", "NO", "PLEASE", "BUY", "SELL", "OF", "ME", "MY"})
HOLDS = timedelta(minutes=15)
COLLAR = Decimal("0.01")
"""The order's limit is this much worse than the price that was read back, and never more."""


def wants(text: str) -> bool:
    """It orders: a side with a number or a symbol. Whether one should is another question, and not ours."""
    if _ASKS.search(text) or advice.gives(text):
        return False
    return bool(_SIDE.search(text)) and (symbol(text) != "" or _SHARES.search(text) is not None)


def concerns(run: Run, heard: Heard) -> bool:
    return "?" not in heard.text and (quantity(heard.text, run) is not None or bool(symbol(heard.text)))


def symbol(text: str) -> str:
    found = [one for one in _SYMBOL.findall(text) if one not in _NO_SYMBOL]
    return found[0] if len(set(found)) == 1 else ""


def quantity(text: str, run: Run) -> Decimal | None:
    if found := _SHARES.search(text):
        return Decimal(found[1] or found[2])
    bare = re.fullmatch(r"\W*(?:make it |no,? |actually )*(\d{1,6}(?:\.\d{1,6})?)\W*", text.strip(), _I)
    return Decimal(bare[1]) if bare and run.slots.get("side") else None


async def step(run: Run, heard: Heard, standing: Standing, settings: MoneySettings, moneys: Moneys) -> Step:
    if not standing.accounts:
        return Step(run.ended(RunState.DONE), (Said("money_no_account"),), for_person="money")
    run = _told(run, heard)
    if not run.slots.get("symbol"):
        return Step(run.recalling(asked="symbol"), (Said("money_ask_symbol"),))
    if not run.slots.get("quantity"):
        return Step(
            run.recalling(asked="quantity"), (Said("money_ask_quantity", {"symbol": run.slots["symbol"]}),)
        )
    quote = await _quote(run, heard, moneys)
    if quote is None:
        said = Said("money_no_quote", {"symbol": run.slots["symbol"]})
        return Step(run.ended(RunState.DONE), (said,), for_person="money")
    if run.slots.get("priced") != quote.symbol or run.slots.get("price") != str(quote.price):
        run = run.holding(
            price=str(quote.price), name=quote.name, priced=quote.symbol, quoted_at=heard.now.isoformat()
        )
    account = wish.account(heard.text, standing.accounts) or standing.accounts[0]
    intent = _intent(run, heard, account.id, account.mask, quote)
    return confirm.step(run.recalling(asked="confirm"), heard, intent, standing, settings)


async def _quote(run: Run, heard: Heard, moneys: Moneys) -> Quote | None:
    """What was read back holds for a while, so that code and yes are for the same price."""
    slots, asked_at = run.slots, run.slots.get("quoted_at")
    held = bool(asked_at) and heard.now - datetime.fromisoformat(str(asked_at)) < HOLDS
    if slots.get("priced") == slots["symbol"] and held:
        return Quote(slots["symbol"], slots["name"], Decimal(slots["price"]))
    return await moneys.quote(slots["symbol"])


def _told(run: Run, heard: Heard) -> Run:
    if found := _SIDE.search(heard.text):
        run = run.holding(side=_SIDES[found[1].lower()])
    if named := symbol(heard.text):
        run = run.holding(symbol=named)
    if (count := quantity(heard.text, run)) is not None and count > 0:
        run = run.holding(quantity=f"{count:f}")
    return run


def _intent(run: Run, heard: Heard, account_id: UUID, mask: str, quote: Quote) -> Intent:
    side, count = run.slots["side"], Decimal(run.slots["quantity"])
    worse = quote.price * (1 + COLLAR if side == "buy" else 1 - COLLAR)
    limit = worse.quantize(Decimal("0.01"), ROUND_HALF_UP)
    details = {
        "symbol": quote.symbol, "name": quote.name, "side": side, "quantity": f"{count:f}", "limit": f"{limit:.2f}",
        "price": f"{quote.price:.2f}", "account_mask": mask,
    }  # fmt: skip
    amount = (count * limit).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return Intent(Kind.ORDER, run.id, heard.contact_id, account_id, amount, details=details)
