"""What to say: a template, the opening hours, the next question, or the sentence that answers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

from dialogue import answers, hours, knowing, words
from dialogue.asking import asked, context_of, last_of_ours, missing, question, summary
from dialogue.understand.local import BUILT_IN
from dialogue.understand.sentences import asks, wordless
from dialogue.vocabulary import speaks, terms
from domain import policy
from domain.disclosure import disclosed
from domain.entities import Kind
from domain.turn import Author, NameContact, Part, Passage, Reply, SetField, Turn, Understanding

BARE_TALK = frozenset({"unknown", "give_information", "affirm", "deny", "greeting", "thanks"})
"""Beside a skill's words these need no answer of their own."""
IDENTITY = frozenset({"person_name", "phone", "email", "address"})
TIRED = 2
"""How often one question is asked before a person takes over."""
SURE_ENOUGH = 1.4
"""Understood at 0.5 is right nine times in ten on unseen examples, and counts as 0.7: the default of
`policy.confidence`."""


_CALLED = re.compile(r"(?=.{1,30}$)[^\W\d_]+(?:['’-][^\W\d_]+)*\.?")
"""What somebody may be called. A profile's name is whatever its owner wrote there: a number, a link, an order."""
BESIDE = 0.5
"""The score of an answer that misses the very word that was asked about: between `MAYBE` and `KNOWS`."""


def compose(turn: Turn) -> Turn:
    """Puts a reply into the turn, or none when there is nothing to say."""
    if turn.understood is None:
        return turn
    reply = _with_added(_reply(turn, turn.understood), turn)
    if reply is None or not reply.text:
        return turn.noting("Composed nothing: the message asks for nothing.")
    if not turn.conversation.disclosed:
        reply = replace(reply, text=disclosed(reply.text, turn.profile, language_of(turn)))
    sources = f" from {', '.join(reply.sources)}" if reply.sources else ""
    return replace(turn, reply=reply).noting(
        f"Composed a reply of kind {reply.kind}{sources} (confidence {reply.confidence:.2f})."
    )


def _with_added(reply: Reply | None, turn: Turn) -> Reply | None:
    """What rules say comes last; where one hands over, in place of what we do not know."""
    said = [Reply(text, "rule") for text in turn.added]
    if said and turn.handed and reply is not None and reply.kind in ("unknown", "request", "request_open"):
        reply = None
    return _together([*([reply] if reply else []), *said]) if said else reply


def language_of(turn: Turn) -> str:
    """The customer's, if the assistant has it."""
    languages = turn.profile.assistant.languages
    spoken = turn.understood.language if turn.understood else turn.conversation.language
    return spoken if spoken in languages else languages[0]


def _reply(turn: Turn, understood: Understanding) -> Reply | None:
    if understood.intent in _ALONE:
        return _ALONE[understood.intent](turn)
    if turn.spoken is not None:
        return _beside_skill(turn, turn.spoken)
    if understood.intent == "unknown" and wordless(turn.text):
        return _puzzled(turn)
    parts = knowing.questions(turn)
    tasks = [part for part in parts if part.intent == "book_appointment"]
    said = _answers([part for part in parts if part not in tasks], turn)
    if understood.intent == "give_information" and not _known(said):
        said = []
    if understood.intent == "unknown" and asked(turn) and not _known(said):
        said = []
    if tasks or not parts or not said or (asked(turn) and _known(said)):
        on = _carry_on(turn, understood, booking=bool(tasks))
        said += [on] if on else []
    return _together(said)


def _beside_skill(turn: Turn, spoken: Reply) -> Reply | None:
    """Other questions of the burst are answered first; what is not known goes to a person, and the skill waits."""
    done = turn.taken | BARE_TALK
    parts = [part for part in knowing.questions(turn) if part.intent not in done and part.text not in done]
    said = _answers(parts, turn)
    if turn.spoken_after and (not said or any(reply.kind in ("unknown", "request") for reply in said)):
        return _together(said)
    return _together([*said, spoken] if spoken.text else said)


def _known(said: list[Reply]) -> bool:
    return any(reply.kind != "unknown" for reply in said)


def _answers(parts: Sequence[Part], turn: Turn) -> list[Reply]:
    """What is known first. "Do you do whitening? How much?" is answered by its price; what is left over is said to be
    no more than the rest."""
    said = [(part, reply) for part in parts if (reply := _answer(part, turn)) is not None]
    priced = [knowing.leans(part, turn) for part, reply in said if reply.kind == "knowledge"]
    known = [reply for _, reply in said if reply.kind != "unknown"]
    unknown = [reply for part, reply in said if reply.kind == "unknown" and part not in priced]
    if known and unknown:
        unknown = [replace(reply, text=_say("unknown_rest", turn)) for reply in unknown]
    return known + unknown


def _together(replies: list[Reply]) -> Reply | None:
    """Several answers as one message, as sure as the least sure of them."""
    if not replies:
        return None
    rest = {reply.text: reply for reply in replies}
    kinds = [reply.kind for reply in rest.values()]
    return Reply(
        text=" ".join(rest),
        kind=next((kind for kind in ("fair_housing", "unknown", "request") if kind in kinds), kinds[-1]),
        sources=tuple(dict.fromkeys(source for reply in rest.values() for source in reply.sources)),
        confidence=min(reply.confidence for reply in rest.values()),
        grounded=all(reply.grounded for reply in rest.values()),
        unanswered=tuple(text for reply in replies for text in reply.unanswered),
        published=next((reply.published for reply in replies if reply.published), ""),
        approve=next((reply.approve for reply in replies if reply.approve), ""),
    )


def _answer(part: Part, turn: Turn) -> Reply | None:
    if part.intent == "ask_hours" and hours.known(turn.profile.hours):
        return _about_hours(part, turn)
    if part.intent == "fair_housing":
        return _about_an_area(part, turn)
    if knowing.documented(part, turn):
        return _from_documents(part, turn)
    if part.intent in ("cancel_appointment", "reschedule_appointment"):
        return Reply(_say(part.intent, turn, facts=_when_said(turn)), "request")
    if part.intent == "check_status":
        return Reply(_say("check_status", turn), "request")
    if part.intent not in words.templates(language_of(turn)):
        return _unknown(part, turn, 0.0)  # a skill's own, which the skill did not take up
    return Reply(_say(part.intent, turn), part.intent)


def _from_documents(part: Part, turn: Turn) -> Reply:
    best = _pick(part, turn)
    score = _score(best)
    if best is not None and not answers.shaped(part.text, best.text):
        score = min(score, BESIDE)
    asked_of = knowing.query(part, turn)
    if best is not None and language_of(turn) == "en" and not answers.means(best.passage, score, asked_of):
        return _unknown(part, turn, score)
    if best is None or score < (answers.KNOWS if part.intent in knowing.BARE else answers.MAYBE):
        return _unknown(part, turn, score)
    if part.intent == "ask_price" and not answers.priced(best.text):
        return _unknown(part, turn, 0.0)
    text = _say("answer", turn, answer=best.text, source=answers.source_name(best.passage))
    return Reply(text, "knowledge", (best.passage.source,), _as_confidence(score))


def _pick(part: Part, turn: Turn) -> answers.Answer | None:
    """Of several ways to put the question, the one whose words the answer holds best."""
    found = _found(part, turn)
    priced = tuple(one for one in found if answers.priced(one.text))
    passages = priced if part.intent == "ask_price" and priced else found
    picked = [
        answers.pick(question, passages, asked_as=part.text, language=language_of(turn))
        for question in _ways(part, turn)
    ]
    return max(
        (one for one in picked if one),
        key=lambda one: (answers.shaped(part.text, one.text), one.pointed, one.coverage),
        default=None,
    )


def _found(part: Part, turn: Turn) -> tuple[Passage, ...]:
    """What was found for this sentence, and not for another one of the burst."""
    return turn.found.get(part.text, turn.passages)


def _ways(part: Part, turn: Turn) -> list[str]:
    """The words of a topic stand for each other: those that were said, or that a heading or some passage has."""
    said, ways = knowing.query(part, turn), knowing.queries(part, turn)
    if ways != knowing.topics(part, turn):
        return list(ways)
    found = _found(part, turn)
    headings = frozenset().union(*(terms(f"{p.source} {p.heading}") for p in found))
    texts = frozenset().union(*(terms(p.text) for p in found))
    for about, where in ((said.split(), headings | texts), (ways, headings), (ways, texts)):
        if held := [word for word in about if terms(word) <= where]:
            return [" ".join(held)]
    return [said]


def _about_an_area(part: Part, turn: Turn) -> Reply:
    """What may be said of it, and where the public sources are if a document names them."""
    said, best = _say("fair_housing", turn), _pick(part, turn) if knowing.documented(part, turn) else None
    if best is None or not best.pointed:
        return Reply(said, "fair_housing")
    found = _say("answer", turn, answer=best.text, source=answers.source_name(best.passage))
    return Reply(f"{said} {found}", "fair_housing", (best.passage.source,))


def _urgent(turn: Turn) -> Reply:
    """A person is told at once; meanwhile what the documents offer for such a case, and 911."""
    part = next(part for part in knowing.questions(turn) if part.intent == "urgent")
    medical = turn.profile.workspace.industry == "medical"
    said, best = _say("urgent", turn, medical=medical), _pick(part, turn)
    alone = policy.speaks_alone(turn.profile.policy)
    if not alone or best is None or speaks(best.text) not in ("", language_of(turn)):
        return Reply(said, "urgent")
    found = _say("answer", turn, answer=best.text, source=answers.source_name(best.passage))
    return Reply(f"{said} {found}", "urgent", (best.passage.source,))


def _puzzled(turn: Turn) -> Reply:
    """ "?": at first a greeting, after words of ours a question what is unclear, and then a person."""
    last = last_of_ours(turn)
    if last is None:
        return _greeting(turn)
    again = _say("unclear", turn)
    wanted = asked(turn)
    if wanted is not None:
        return _next_step(turn, filled=False)
    return Reply(_say("unknown", turn), "unknown") if again in last.text else Reply(again, "unclear")


def _unknown(part: Part, turn: Turn, score: float) -> Reply:
    """A wish that the business taught us and no document is about is for a person; a question is not known."""
    if part.intent not in BUILT_IN and not asks(part.text):
        return Reply(_say("request_open", turn), "request")
    return Reply(_say("unknown", turn), "unknown", confidence=score, unanswered=(part.text,))


def _score(best: answers.Answer | None) -> float:
    if best is None:
        return 0.0
    return best.passage.score if best.pointed else min(best.passage.score, BESIDE)


def _as_confidence(score: float) -> float:
    """`answers.KNOWS` is as sure as the default of `policy.confidence`, 0.7; `answers.MAYBE` is 0.4."""
    if score >= answers.KNOWS:
        return round(0.7 + 0.3 * (score - answers.KNOWS) / (1 - answers.KNOWS), 3)
    return round(0.4 + 0.3 * (score - answers.MAYBE) / (answers.KNOWS - answers.MAYBE), 3)


def _about_hours(part: Part, turn: Turn) -> Reply:
    """From the profile, unless the question is of something else (a holiday, the stock market) of which the
    documents know."""
    written = _from_documents(part, turn) if knowing.documented(part, turn) else None
    if written and written.kind == "knowledge" and written.confidence >= _as_confidence(answers.KNOWS):
        return written
    text = hours.describe(turn.profile.hours, turn.now, _day_in(part, turn), language_of(turn))
    sure = 0.5 if knowing.on_holiday(part) else min(1.0, round(SURE_ENOUGH * part.confidence, 3))
    return Reply(text, "hours", ("opening hours",), sure)


def _day_in(part: Part, turn: Turn) -> date | None:
    entities = turn.understood.entities if turn.understood else ()
    for entity in (e for e in entities if e.text in part.text):
        if isinstance(entity.value, datetime):
            return entity.value.date()
        if isinstance(entity.value, date):
            return entity.value
    return None


def _carry_on(turn: Turn, understood: Understanding, *, booking: bool) -> Reply | None:
    """Go on with the task: ask for the next field, or read back what we have. Without a task, courtesy."""
    wanted, filled = asked(turn), any(isinstance(effect, SetField) for effect in turn.effects)
    if understood.intent == "deny" and not filled:
        return Reply(_say("acknowledgement", turn), "acknowledgement") if wanted else None
    telling = understood.intent == "give_information" and _begun(turn)
    if booking or telling or (wanted and (filled or understood.intent not in _COURTESY)):
        return _next_step(turn, filled=filled)
    if understood.intent == "give_information" and _name(turn):
        return Reply(_say("noted", turn), "noted")
    if understood.intent in _COURTESY:
        return _COURTESY[understood.intent](turn)
    return Reply(_say("unknown", turn), "unknown", confidence=understood.confidence)


def _begun(turn: Turn) -> bool:
    """Something is known of what is wanted, not only of who wants it."""
    return any(field.name in context_of(turn) for field in turn.profile.fields if field.type not in IDENTITY)


def _next_step(turn: Turn, *, filled: bool) -> Reply:
    lacking = missing(turn)
    if lacking is None:
        facts = summary(turn, language_of(turn))
        books = any(field.type == "datetime" for field in turn.profile.fields)
        key = ("request" if books else "information") if facts else "request_open"
        return Reply(_say(key, turn, facts=facts), "request")
    text = question(lacking, language_of(turn), turn, context_of(turn).get(lacking.name))
    if not filled and _asked_often(text, turn):
        return Reply(_say("unknown", turn), "unknown", confidence=0.0)
    return Reply(f"{_say('so_far', turn)} {text}" if filled else text, "asking")


def _asked_often(text: str, turn: Turn) -> bool:
    return sum(text in line.text for line in turn.history if line.author is not Author.CONTACT) >= TIRED


def _greeting(turn: Turn) -> Reply:
    own = turn.profile.assistant.greeting
    english_only = own and language_of(turn) == turn.profile.assistant.languages[0]
    return Reply(own if english_only else _say("greeting", turn), "greeting")


def _acknowledged(turn: Turn) -> Reply | None:
    """ "ok" to a statement needs no answer; to a question of ours it is one that a person must read."""
    last = last_of_ours(turn)
    if last is None:
        return None if wordless(turn.text) else _greeting(turn)
    return (
        Reply(_say("unknown", turn), "unknown")
        if last.text.rstrip().endswith("?") and _open_question(last.text)
        else None
    )


def _open_question(text: str) -> bool:
    """Not the "How can I help?" that ends every greeting."""
    return not any(mark in text.lower() for mark in ("help", "assistance", "do for you", "ayud", "servir"))


def _say(key: str, turn: Turn, **facts: object) -> str:
    profile = turn.profile
    known = {"assistant": profile.assistant.name, "business": profile.workspace.name, "name": _name(turn)}
    return words.say(key, language_of(turn), profile.assistant.personality, **(known | facts))


def _name(turn: Turn) -> str:
    """The first name, as far as we know it."""
    told = next((effect.name for effect in turn.effects if isinstance(effect, NameContact)), None)
    first = next(iter((told or turn.conversation.contact_name or "").split()), "")
    return first if _CALLED.fullmatch(first) else ""


def _when_said(turn: Turn) -> str:
    kinds = (Kind.DATE, Kind.TIME, Kind.DATETIME, Kind.DATE_RANGE, Kind.TIME_RANGE)
    return ", ".join(e.text for e in turn.understood.entities if e.kind in kinds) if turn.understood else ""


def _template(key: str) -> Callable[[Turn], Reply | None]:
    return lambda turn: Reply(_say(key, turn), key)


def _emergency(turn: Turn) -> Reply:
    at_risk = turn.understood is not None and turn.understood.safety == "self_harm"
    return Reply(_say("self_harm" if at_risk else "emergency", turn), "emergency")


_ALONE: dict[str, Callable[[Turn], Reply | None]] = {
    "emergency": _emergency,
    "threat": _template("threat"),
    "legal": _template("legal"),
    "urgent": _urgent,
    "want_human": _template("want_human"),
    "complaint": _template("complaint"),
    "media": _template("media"),
}
"""Nothing else is said beside these."""
_COURTESY: dict[str, Callable[[Turn], Reply | None]] = {
    "greeting": _greeting,
    "thanks": _template("thanks"),
    "goodbye": _template("goodbye"),
    "affirm": _acknowledged,
    "deny": lambda turn: None,
    "reaction": lambda turn: None,
    "empty": lambda turn: None,
}
