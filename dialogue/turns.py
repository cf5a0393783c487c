"""One turn, from what the customer wrote to what should happen. Read it top to bottom."""

import asyncio
from dataclasses import replace
from types import MappingProxyType

from dialogue import knowing, schemas
from dialogue.answers import source_name
from dialogue.asking import asked, last_of_ours
from dialogue.calling import as_call
from dialogue.compose import compose, language_of
from dialogue.context import fill_context
from dialogue.guard import guard
from dialogue.models import Models
from dialogue.ruling import choose, rule
from dialogue.stack import Skills, act, begin
from dialogue.understand.llm import abilities, reconsider, take_slots
from dialogue.understand.local import weight
from dialogue.understand.sentences import follows_up
from dialogue.vocabulary import speaks
from dialogue.wording import reword
from domain import fair_housing, loops, policy, suspect
from domain.ports import Retriever, Understander
from domain.skill import WorldEffect
from domain.turn import (
    Action,
    Author,
    Decision,
    Effect,
    HandOff,
    Line,
    NoteGap,
    Part,
    Passage,
    ProposeDraft,
    Say,
    SetLanguage,
    Turn,
    Understanding,
)

_OPEN = frozenset({"ask_knowledge", "unknown", "give_information", "book_appointment"})
_CARRIED = frozenset({"ask_hours", "ask_price", "ask_payment"})
_NO_DOCUMENTS = frozenset({"emergency", "want_human"})
NAMELESS = "our documents"
"""What a document is called whose own name gives orders."""
FEW_WORDS = 3
"""A message this short without a word that only one language has ("ok", "Delta Dental") does not change the
conversation's language."""


async def answer(
    turn: Turn,
    understander: Understander,
    knowledge: Retriever,
    skills: Skills = MappingProxyType({}),
    models: Models | None = None,
) -> Turn:
    """Without models as well as with them: a model is asked where what needs none is unsure, and its failure changes
    nothing."""
    if loop := loops.is_loop([_beat(line) for line in (*turn.history, *turn.burst)], turn.now):
        return _stop(turn, loop)
    turn = schemas.of_channel(turn)
    turn = await asyncio.to_thread(understand, turn, understander)  # milliseconds of arithmetic
    turn = await reconsider(turn, models, abilities(turn.profile, skills))
    turn = fill_context(turn)
    turn = take_slots(turn)
    turn = choose(turn)
    turn = await look_up(turn, knowledge)
    turn = await act(turn, skills)
    turn = rule(turn)
    turn = await begin(turn, skills)
    turn = compose(turn)
    turn = await reword(turn, models)
    turn = note_gaps(turn)
    turn = guard(turn)
    return decide(turn)


def _beat(line: Line) -> loops.Beat:
    return loops.Beat(line.at, line.author is Author.CONTACT, line.text)


def _stop(turn: Turn, loop: loops.LoopReason) -> Turn:
    """Another machine is answering us: say nothing, and let a person look."""
    decision = Decision(Action.HANDOFF, "loop")
    turn = replace(turn, decision=decision).noting(
        f"Another machine seems to answer ({loop}); a person looks."
    )
    return turn.doing(HandOff("loop"))


def understand(turn: Turn, understander: Understander) -> Turn:
    if not turn.text:
        return _without_words(turn)
    understood = understander.understand(turn.text, turn.profile, turn.now)
    understood = _as_follow_up(_as_fair_housing(understood, turn), turn, understander)
    understood = as_call(_as_name(understood, turn), turn)
    short = len(turn.text.split()) <= FEW_WORDS and not speaks(turn.text)
    if turn.conversation.language and short:
        understood = replace(understood, language=turn.conversation.language)
    if understood.language != turn.conversation.language:
        turn = turn.doing(SetLanguage(understood.language))
    note = _explained(understood)
    turn = replace(turn, understood=understood).noting(note)
    return replace(turn, understood=replace(understood, language=language_of(turn)))


def _as_fair_housing(understood: Understanding, turn: Turn) -> Understanding:
    """In real estate, a question about people or about how good an area is, is nothing else."""
    if turn.profile.workspace.industry != "real_estate" or understood.intent in policy.URGENT:
        return understood
    parts = tuple(
        replace(part, intent="fair_housing") if fair_housing.asks(part.text) else part
        for part in understood.parts
    )
    return (
        replace(understood, intent="fair_housing", parts=parts) if parts != understood.parts else understood
    )


def _as_name(understood: Understanding, turn: Turn) -> Understanding:
    """ "Lee Park" answers "May I have your name?" and asks for no parking."""
    wanted = asked(turn)
    if wanted is None or wanted.type != "person_name" or not understood.intent.startswith("ask_"):
        return understood
    words = turn.text.strip(" .!").split()
    if not 2 <= len(words) <= 4 or not all(word[:1].isupper() and word.isalpha() for word in words):
        return understood
    part = Part("give_information", understood.confidence, turn.text)
    return replace(understood, intent=part.intent, parts=(part,))


def _as_follow_up(understood: Understanding, turn: Turn, understander: Understander) -> Understanding:
    """ "what about saturday?" asks what was asked before it."""
    if understood.intent not in _OPEN | _CARRIED or not follows_up(turn.text) or asked(turn):
        return understood
    said = (line.text for line in reversed(turn.history) if line.author is Author.CONTACT)
    before = next((text for text in said if not follows_up(text)), "")
    prior = understander.understand(before, turn.profile, turn.now)
    if prior.intent not in _CARRIED or understood.intent in _CARRIED - {prior.intent}:
        return understood
    part = Part(prior.intent, prior.confidence, turn.text)
    return replace(understood, intent=part.intent, confidence=part.confidence, parts=(part,))


async def look_up(turn: Turn, knowledge: Retriever) -> Turn:
    """Asks the documents, once for every sentence that they could answer."""
    parts = [part for part in knowing.questions(turn) if knowing.documented(part, turn)]
    if not parts or (turn.understood and turn.understood.intent in _NO_DOCUMENTS):
        return turn
    asked_in, found, orders = turn.conversation.workspace_id, {}, []
    for part in parts:
        hits: list[Passage] = []
        for query in knowing.queries(part, turn):
            hits += await knowledge.search(
                asked_in, query, knowing.LIMIT, asked_as=knowing.sentence(part, query)
            )
        found[part.text], spoke = _for_people(knowing.merge(hits))
        orders += [name for name in spoke if name not in orders]
    passages = knowing.merge([one for hits_ in found.values() for one in hits_])
    shown = ", ".join(f"{source_name(p)} / {p.heading} {p.score:.2f}" for p in passages[:3])
    words = "; ".join(f'"{knowing.query(part, turn)}"' for part in parts)
    turn = replace(turn, passages=passages, found=found).noting(
        f"Looked up {words}: {shown or 'nothing found'}."
    )
    return turn.noting(f"Left out of {', '.join(orders)}: words that speak to a machine.") if orders else turn


def _for_people(passages: tuple[Passage, ...]) -> tuple[tuple[Passage, ...], list[str]]:
    """The passages without sentences that give orders to whoever reads along, and the documents that had some."""
    clean = tuple(
        replace(
            one,
            source=NAMELESS if suspect.instructs(one.source) else one.source,
            heading=suspect.without_orders(one.heading),
            text=suspect.without_orders(one.text),
        )
        for one in passages
    )
    named = dict.fromkeys(
        source_name(one) for one, other in zip(passages, clean, strict=True) if one != other
    )
    return tuple(one for one in clean if one.text.strip()), list(named)


def note_gaps(turn: Turn) -> Turn:
    """What nobody could answer is told to the business: a document may be missing."""
    if turn.reply is None or turn.understood is None or turn.understood.automatic:
        return turn
    language = turn.understood.language
    return turn.doing(*(NoteGap(question, language) for question in turn.reply.unanswered))


def decide(turn: Turn) -> Turn:
    """The policy's verdict, and the effect that carries it out."""
    if turn.understood is None:
        return turn
    last = last_of_ours(turn)
    said_before = bool(turn.reply and last and turn.reply.text in last.text)
    decision = policy.decide(
        turn.reply, turn.understood, turn.profile.policy, said_before=said_before, asks=_asks(turn.understood)
    )
    if turn.handed and decision.action is not Action.SILENCE and decision.reason not in policy.URGENT:
        decision = Decision(Action.HANDOFF, turn.handed)
    turn = replace(turn, decision=decision).noting(f"Decided to {decision.action}: {decision.reason}.")
    return turn.doing(*_effects(turn, decision))


def _effects(turn: Turn, decision: Decision) -> tuple[Effect, ...]:
    text = turn.reply.text if turn.reply else ""
    match decision.action:
        case Action.SEND:
            return (*turn.pending, Say(text))
        case Action.DRAFT:
            return (ProposeDraft(text, decision.reason, turn.pending),)
        case Action.HANDOFF:
            return (
                *_kept(turn, decision),
                HandOff(decision.reason, text if policy.may_hold(turn.profile.policy, decision) else ""),
            )
    return ()


def _kept(turn: Turn, decision: Decision) -> tuple[WorldEffect, ...]:
    """A skill that hands its run to a person has said so; if somebody is needed for another reason, it waits."""
    return turn.pending if decision.reason in policy.REQUESTS else ()


def _asks(understood: Understanding) -> bool:
    """The customer wants an answer: silence would be rude. A machine wants one only if it puts a question."""
    if understood.automatic:
        return any("?" in part.text for part in understood.parts)
    return any(weight(part.intent) >= 5 or "?" in part.text for part in understood.parts)


def _without_words(turn: Turn) -> Turn:
    media = [kind for line in turn.burst for kind in line.media]
    language = turn.conversation.language or turn.profile.assistant.languages[0]
    understood = Understanding("media" if media else "empty", 1.0, language)
    note = f"Received {', '.join(media)} without words." if media else "Received an empty message."
    turn = replace(turn, understood=understood).noting(note)
    return replace(turn, understood=replace(understood, language=language_of(turn)))


def _explained(understood: Understanding) -> str:
    nearest = f', nearest example "{understood.nearest}"' if understood.nearest else ""
    runner_up = f", runner-up {understood.runner_up}" if understood.runner_up else ""
    machine = "; it reads like a machine's answer" if understood.automatic else ""
    return (
        f"Understood {understood.intent} (confidence {understood.confidence:.2f}) in "
        f"{understood.language}{nearest}{runner_up}{machine}."
    )
