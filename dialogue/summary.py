"""Keeps a long conversation short enough to be read by a model: its older part as a summary that grows with it."""

from collections.abc import Sequence

from dialogue.models import Models
from dialogue.prompts.fencing import shown
from dialogue.prompts.summarising import prompt
from domain.errors import ModelFailed
from domain.llm import Standing
from domain.suspect import without_orders
from domain.turn import Line, Summary, Turn

LAST = 12
"""Messages at the end that are always read as they were written."""
EVERY = 10
"""So many more than those, and the summary is made again. Together less than `store.turns.HISTORY`."""
LONGEST = 1_200


def uncovered(turn: Turn) -> Sequence[Line]:
    """What a new summary would take up; empty while the one there is will do."""
    upto = turn.summary.upto_seq if turn.summary else 0
    lines = [line for line in (*turn.history, *turn.burst) if line.seq > upto and line.text.strip()]
    return lines[:-LAST] if len(lines) >= LAST + EVERY else ()


async def summarise(turn: Turn, models: Models | None) -> Summary | None:
    """Nothing waits for it: it is asked for when the turn is done, and again after the next one where it fails."""
    lines = uncovered(turn)
    if (
        models is None
        or not lines
        or turn.profile.models.understanding == turn.profile.models.words == "never"
    ):
        return None
    if await models.standing(turn) is not Standing.FREE:
        return None
    try:
        answer = await models.ask(prompt(turn, lines), turn)
    except ModelFailed:
        return None
    text = shown(without_orders(answer.text), LONGEST)
    return Summary(text, lines[-1].seq) if text else None
