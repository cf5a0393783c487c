"""The company skill: one ticker symbol, one price. Whether to buy it is asked of people."""

import re

from domain.ports import Moneys
from domain.skill import Heard, Risk, Run, RunState, Said, Skill, Step

_I = re.IGNORECASE
_ASKS = re.compile(
    r"\b(?:price|quote|trading at|trade at|share price|stock price|how (?:is|are|much is)"
    r"|what(?:'s| is|s)|look up|worth|cost"
    r"|precio|cotiza\w*|cu[aá]nto (?:vale|cuesta|est[aá])|c[oó]mo (?:va|est[aá])|qu[eé] es)\b",
    _I,
)
_ADVICE = re.compile(
    r"\b(?:should|shall|would you|recommend\w*|advi[cs]e|good (?:time|idea|investment|buy)"
    r"|buy|sell|will|going to|forecast|predict\w*"
    r"|comprar?|vend(?:er|a|e)|conviene|deber[ií]a|aconseja\w*|va a)\b",
    _I,
)
_OWN = re.compile(r"\b(?:my|mine|i (?:own|hold|have)|mis?|tengo)\b", _I)
_TICKER = re.compile(r"\$([A-Za-z]{1,5}(?:\.[A-Za-z])?)\b|(?<![\w$])([A-Z]{2,5}(?:\.[A-Z])?)(?!\w)")
_NO_TICKER = frozenset(
    {
        "USA",
        "US",
        "USD",
        "OK",
        "IRA",
        "ACH",
        "FAQ",
        "CEO",
        "ETF",
        "IPO",
        "PM",
        "AM",
        "EST",
        "SMS",
        "STOP",
        "HELP",
    }
)


class Company(Skill):
    name = "company"
    description = "Looks up what a share costs."
    risk = Risk.PUBLIC
    goals = {}  # noqa: RUF012  (by its own words)

    def __init__(self, moneys: Moneys) -> None:
        self._moneys = moneys

    def goal(self, intent: str, heard: Heard) -> str | None:
        """One's own position is another matter, and what to do with it too."""
        text = heard.text
        if _ADVICE.search(text) or _OWN.search(text) or not ticker(text):
            return None
        return "look_up" if _ASKS.search(text) or len(text.split()) <= 2 else None

    def concerns(self, run: Run, heard: Heard) -> bool:
        """Every answer ends its run."""
        return heard.command is not None

    async def step(self, run: Run, heard: Heard) -> Step:
        symbol = ticker(heard.text) or run.slots.get("symbol", "")
        quote = await self._moneys.quote(symbol) if symbol else None
        if quote is None:
            return Step(
                run.ended(RunState.DONE), (Said("company_unknown", {"symbol": symbol}),), for_person="company"
            )
        price = {"amount": f"{quote.price:.2f}", "currency": "USD"}
        facts = {"symbol": quote.symbol, "name": quote.name, "price": price, "at": heard.now}
        return Step(
            run.ended(RunState.DONE, symbol=symbol), (Said("company_price", facts),), sources=("company",)
        )

    async def resume(self, run: Run, heard: Heard) -> Step:
        return await self.step(run, heard)


def ticker(text: str) -> str:
    """The one symbol that the words name, in capitals or after a dollar sign; "" for none, or for several."""
    found = {(dollar or capitals).upper() for dollar, capitals in _TICKER.findall(text)} - _NO_TICKER
    return found.pop() if len(found) == 1 else ""
