"""What rules say outside of a message, made into effects: through the policy, and never over a person."""

from dialogue import compose
from dialogue.guard import complaints
from domain.disclosure import disclosed
from domain.policy import mentions_money
from domain.purpose import Purpose
from domain.skill import WorldEffect
from domain.turn import HandOff, ProposeDraft, Reply, Say, Turn
from domain.workspace import Posture, Reason


def settle(turn: Turn) -> Turn:
    """A person who has the conversation is shown the words; the customer gets them where the assistant may speak
    alone."""
    words = " ".join(turn.added)
    if turn.handed and turn.standing.owner == "ai":
        return turn.doing(HandOff(turn.handed, words))
    if not words:
        return turn
    if not turn.conversation.disclosed:
        words = disclosed(words, turn.profile, compose.language_of(turn))
    return turn.doing(ProposeDraft(words, "rule") if _needs_a_person(words, turn) else Say(words))


def notify(
    turn: Turn, words: str, reason: str, then: tuple[WorldEffect, ...] = (), purpose: Purpose = Purpose.NOTICE
) -> Turn:
    """What nobody asked for just now, such as a reminder, or what they wait for (purpose REPLY); `then` happens with it.
    With a draft before a person it waits for their yes."""
    if not turn.conversation.disclosed:
        words = disclosed(words, turn.profile, compose.language_of(turn))
    if _needs_a_person(words, turn):
        return turn.doing(ProposeDraft(words, reason, then))
    return turn.doing(Say(words, purpose), *then)


def _needs_a_person(words: str, turn: Turn) -> bool:
    policy = turn.profile.policy
    published = turn.spoken.published if turn.spoken else ""
    money = Reason.MONEY in policy.approve and mentions_money(
        words.replace(published, "") if published else words
    )
    alone = (
        policy.default is Posture.AUTO and Reason.ALL not in policy.approve and turn.standing.owner == "ai"
    )
    return not alone or money or bool(complaints(Reply(words, "rule"), turn))
