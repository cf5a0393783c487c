"""An answer worded by a model, out of the passages that were found. Every statement is held against the passages it
cites; one that they do not bear out, and the whole of it is dropped: our own words are there already."""

import hashlib
import json
import re
from dataclasses import replace

from dialogue import claims, words
from dialogue.answers import source_name
from dialogue.compose import language_of
from dialogue.guard import complaints, figures
from dialogue.models import Models
from dialogue.prompts.composing import Statement, Worded, limit, named, prompt
from dialogue.understand.sentences import follows_up
from dialogue.vocabulary import speaks, terms
from domain import policy
from domain.disclosure import disclosed
from domain.entities import Kind
from domain.errors import ModelFailed
from domain.llm import Prompt, Standing
from domain.turn import Passage, Reply, SetField, Turn

WORDED = frozenset({"knowledge", "unknown"})
"""Kinds of reply that a model may word. Everything else is a template of ours: what it says is decided, not found."""
BORNE = 0.6
"""The share of a statement's words that the passages it cites must have."""
SURE = 0.8
"""How sure such an answer is. One in another language than its passages, where words cannot be compared, is not
grounded as far as we know: a person reads it first."""
TOO_LONG = 1.6
ECHO = 5
"""So many words in a row of the customer's, which the passages do not have, are the customer's and not an answer."""
SHARED = 2
"""Words that a statement and a sentence must have in common to be about the same."""
_UNCLEAR = 0.7
"""Our own answer is good enough from here on."""
_PERSONAL = (Kind.NAME, Kind.PHONE, Kind.EMAIL)
LONGEST_QUESTION = 200
_NOT = re.compile(
    r"\b(?:not|no|never|none|cannot|n't|without|nor|nunca|jam[aá]s|sin|ning[uú]n\w*|tampoco)\b|n't\b", re.I
)


async def reword(turn: Turn, models: Models | None) -> Turn:
    """Asks a model for words where ours are not good enough. Whatever fails, ours stand."""
    if models is None or not _wanted(turn):
        return turn
    language = language_of(turn)
    alone = _anybodys(turn)
    asked = prompt(turn, language, alone=alone)
    key = _key(asked, turn) if alone and turn.profile.models.keep_answers else ""
    kept = await models.cache.get(turn.conversation.workspace_id, key) if key else None
    if kept is not None:
        return _with(turn, Worded.model_validate_json(kept), asked, language, "an answer given before")
    if await models.standing(turn) is not Standing.FREE and turn.reply and turn.reply.kind != "unknown":
        return turn.noting("The day's model budget is nearly used up: our own words stand.")
    try:
        answer = await models.ask(asked, turn)
    except ModelFailed as error:
        return turn.noting(f"No model worded the answer ({error.trouble}); our own words stand.")
    worded = _with(turn, answer.value, asked, language, answer.model)
    if key and worded.reply is not turn.reply:
        keep_s = turn.profile.models.keep_answers.total_seconds()
        await models.cache.put(turn.conversation.workspace_id, key, answer.value.model_dump_json(), keep_s)
    return worded


def _wanted(turn: Turn) -> bool:
    reply, understood, rule = turn.reply, turn.understood, turn.profile.models.words
    if reply is None or understood is None or rule == "never" or reply.kind not in WORDED:
        return False
    if turn.spoken is not None or turn.pending or not turn.passages or understood.automatic:
        return False
    if understood.intent in policy.URGENT | {"complaint", "fair_housing"}:
        return False
    return rule == "always" or reply.kind == "unknown" or reply.confidence < _UNCLEAR


def _with(turn: Turn, worded: Worded, asked: Prompt, language: str, by: str) -> Turn:
    """The turn with these words, or, where they do not hold, as it was."""
    statements = (
        [one for one in worded.statements if one.passages and one.text.strip()] if worded.known else []
    )
    if not statements:
        return turn.noting(f"{by}: the passages do not answer the question; our own words stand.")
    text = " ".join(one.text.strip() for one in statements)
    passages = named(turn)
    faults = [fault for one in statements for fault in _faults(one, passages, turn)]
    faults += _of_whole(text, turn, asked, language)
    if faults:
        return turn.noting(f"{by}: refused, {'; '.join(dict.fromkeys(faults))}; our own words stand.")
    cited = [passages[name] for one in statements for name in one.passages]
    reply = _reply(text, cited, turn, language, by)
    return replace(turn, reply=reply).noting(
        f"Worded by {by} from {', '.join(reply.sources)}; "
        + (
            "every statement is borne out by what it cites."
            if reply.grounded
            else "a person compares the languages."
        )
    )


def _reply(text: str, cited: list[Passage], turn: Turn, language: str, by: str) -> Reply:
    names = list(dict.fromkeys(source_name(passage) for passage in cited))
    facts = {"answer": text, "source": ", ".join(names)}
    said = words.say("answer", language, turn.profile.assistant.personality, **facts)
    if not turn.conversation.disclosed:
        said = disclosed(said, turn.profile, language)
    sources = tuple(dict.fromkeys(passage.source for passage in cited))
    comparable = all(_same_language(passage, language) for passage in cited)
    return Reply(said, "knowledge", sources, SURE, grounded=comparable, model=by)


def _faults(statement: Statement, passages: dict[str, Passage], turn: Turn) -> list[str]:
    unknown = [name for name in statement.passages if name not in passages]
    if unknown:
        return [f"it cites {unknown[0]!r}, which was not given"]
    cited = [passages[name] for name in statement.passages]
    held = "\n".join(f"{one.source} {one.heading} {one.text}" for one in cited)
    if "?" in statement.text:
        return ["it asks instead of answering"]
    loose = figures(statement.text) - figures(held)
    found = [f"{kind} {value} is not in what it cites" for kind, value in sorted(loose)]
    if not all(_same_language(one, language_of(turn)) for one in cited):
        return found
    about = terms(f"{held} {turn.profile.workspace.name}")
    own = terms(statement.text)
    if (
        not own - terms(turn.text)
        and not figures(statement.text) - figures(turn.text)
        and not _NOT.search(held)
    ):
        found.append("it says nothing that was not asked")
    if own and len(own & about) / len(own) < BORNE:
        found.append("what it cites does not say so")
    return found + _turned(statement.text, cited)


def _turned(text: str, cited: list[Passage]) -> list[str]:
    """Whether it says yes where the nearest sentence of the passages says no, or no where that says yes."""
    wanted = terms(text)
    sentences = [s for one in cited for s in re.split(r"(?<=[.!?;])\s+|\n", one.text) if s.strip()]
    nearest = max(sentences, key=lambda one: (len(terms(one) & wanted), -len(one)), default="")
    denies, denied = bool(_NOT.search(text)), bool(_NOT.search(nearest))
    if denies == denied or len(terms(nearest) & wanted) < SHARED:
        return []
    return ["it denies what its source says"] if denies else ["it says yes where its source says no"]


def _of_whole(text: str, turn: Turn, asked: Prompt, language: str) -> list[str]:
    held = "\n".join(f"{one.source} {one.heading} {one.text}" for one in turn.passages)
    trusted = f"{held}\n{turn.profile.workspace.name}"
    found = claims.complaints(text, trusted, f"{asked.system}\n{turn.profile.assistant.instructions}")
    found += complaints(Reply(text, "knowledge", model="model"), turn)
    if len(text) > TOO_LONG * limit(turn):
        found.append(f"{len(text)} characters are too many for this channel")
    if claims.repeats(text, turn.text, held, ECHO):
        found.append("it says what the customer wrote")
    abroad = not all(_same_language(one, language) for one in turn.passages)
    if speaks(text) not in ((language,) if abroad else ("", language)):
        found.append("it is in another language")
    return found


def _same_language(passage: Passage, language: str) -> bool:
    return speaks(passage.text) in ("", language)


def _anybodys(turn: Turn) -> bool:
    """The question could be anybody's, and so could the answer: nothing personal, nothing of this conversation."""
    understood = turn.understood
    assert understood is not None
    personal = any(entity.kind in _PERSONAL for entity in understood.entities)
    told = any(isinstance(effect, SetField) for effect in turn.effects)
    return (
        not personal
        and not told
        and not follows_up(turn.text)
        and len(turn.text) <= LONGEST_QUESTION
        and len(turn.burst) == 1
    )


def _key(asked: Prompt, turn: Turn) -> str:
    """Of everything that a model is shown: the assistant's role, the passages as they are now, the language, the
    channel, the question, its case and punctuation aside. Whatever changes, the key does."""
    data = json.loads(asked.messages[0].text) | {
        "question": " ".join(re.findall(r"\w+", turn.text.casefold()))
    }
    whole = json.dumps([asked.system, data, asked.shape and asked.shape.name], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()
