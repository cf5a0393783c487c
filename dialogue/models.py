"""The language models of an installation as the dialogue has them: whom to ask, what was answered before, what is left
of the day's allowance. Where there is none, everything goes on without."""

from dataclasses import dataclass

from domain.llm import Allowance, Answer, Prompt, Request, Standing
from domain.ports import LLM, AnswerCache, Ledger
from domain.turn import Turn
from domain.workspace import Profile

SECONDS = 10.0
"""For one question to a model, tries and models behind it included: less than a lease, which is renewed meanwhile."""


@dataclass(frozen=True, slots=True)
class Models:
    llm: LLM
    ledger: Ledger
    cache: AnswerCache
    seconds: float = SECONDS

    async def ask(self, prompt: Prompt, turn: Turn) -> Answer:
        """On the account of the turn's business. Raise ModelFailed."""
        conversation = turn.conversation
        request = Request(prompt, conversation.workspace_id, conversation.id, self.seconds, allowance(turn))
        return await self.llm.ask(request)

    async def standing(self, turn: Turn) -> Standing:
        """Not looked up where nothing is limited."""
        allowed = allowance(turn)
        if allowed.tokens is None and allowed.cost is None:
            return Standing.FREE
        return await self.ledger.standing(turn.conversation.workspace_id, allowed)


def allowance(turn: Turn) -> Allowance:
    return allowed_by(turn.profile)


def allowed_by(profile: Profile) -> Allowance:
    rules = profile.models
    return Allowance(
        profile.workspace.timezone, rules.tokens_per_day, rules.cost_per_day, rules.currency, rules.soft
    )
