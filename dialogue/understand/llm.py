"""A second reading by a model, where the first is unsure. It proposes; what is kept is what the customer's own words
bear out: sentences that were written, intents that exist, values that our own readers read in quoted words."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dialogue.asking import asked, context_of, hidden
from dialogue.compose import language_of
from dialogue.context import TELLING
from dialogue.extract.counting import names
from dialogue.extract.polarity import corrects, negated
from dialogue.models import Models
from dialogue.prompts.fencing import shown
from dialogue.prompts.understanding import LANGUAGES, Card, Proposal, intents, prompt
from dialogue.understand.local import weight
from dialogue.understand.sentences import asks, wordless
from dialogue.vocabulary import speaks
from domain import fields, policy
from domain.errors import ModelFailed
from domain.fields import Complaint, FieldType, Here
from domain.llm import Standing
from domain.skill import Skill
from domain.turn import Part, SetField, SetLanguage, Slot, Turn, Understanding
from domain.workspace import Field_, Profile

UNSURE = 0.5
"""Understood less surely than this by the local understander, which is right nine times in ten above it."""
SURE = 0.6
"""How sure a model's reading counts that the words bear out: an answer from the profile may then be sent."""
SLOT = 0.75
OPEN = frozenset(
    {
        FieldType.TEXT,
        FieldType.LONG_TEXT,
        FieldType.REFERENCE,
        FieldType.TAGS,
        FieldType.ADDRESS,
        FieldType.PERSON_NAME,
    }
)
"""Types that take any words: unasked they are filled only where the customer tells something, with a part of it."""
MOST_PARTS = 4
LONGEST, MOST_WORDS = 80, 8
"""Of a value in free words; more is a story, not a value."""
_FIRST = policy.URGENT | {"complaint", "fair_housing"}
"""What was read as one of these is never read as anything less."""
_VAGUE = frozenset({"unknown", "give_information", "ask_knowledge"})


def abilities(profile: Profile, skills: Mapping[str, Skill]) -> tuple[Card, ...]:
    """What the business's skills begin with, as a model sees it."""
    enabled = [skill for name, skill in skills.items() if name in profile.skills]
    return tuple(Card(intent, said) for skill in enabled for intent, said in skill.begun_by(profile).items())


async def reconsider(turn: Turn, models: Models | None, skills: Sequence[Card] = ()) -> Turn:
    """Asks a model where that may help. Whatever fails, the first reading stands."""
    understood = turn.understood
    if models is None or understood is None or not _doubtful(turn, understood):
        return turn
    if await models.standing(turn) is not Standing.FREE:
        return turn.noting("The day's model budget is nearly used up: no model read the message.")
    try:
        answer = await models.ask(prompt(turn, skills, asked(turn)), turn)
    except ModelFailed as error:
        return turn.noting(f"No model read the message ({error.trouble}); the local reading stands.")
    second = believed(turn, understood, answer.value, intents(turn.profile, skills))
    slots = ", ".join(f'{slot.field} "{slot.words}"' for slot in second.slots)
    note = (
        f"Asked {answer.model}, because the local reading was unsure ({understood.intent}, "
        f"{understood.confidence:.2f}): {second.intent}{f', {slots}' if slots else ''}."
    )
    if second.language != understood.language:
        turn = turn.doing(SetLanguage(second.language))
    turn = replace(turn, understood=second).noting(note)
    return replace(turn, understood=replace(second, language=language_of(turn)))


def _doubtful(turn: Turn, understood: Understanding) -> bool:
    rule = turn.profile.models.understanding
    settled = understood.automatic or understood.intent in _FIRST or wordless(turn.text) or not turn.text
    if rule == "never" or settled:
        return False
    unclear = understood.confidence < UNSURE or understood.intent == "unknown"
    return rule == "always" or unclear


def believed(turn: Turn, first: Understanding, proposal: Proposal, known: Iterable[str]) -> Understanding:
    """The first reading, changed by as much of the proposal as the message itself bears out."""
    text, allowed = _folded(turn.text), frozenset(known)
    kept = tuple(part for part in first.parts if part.intent in _FIRST)
    proposed = [
        Part(one.intent, SURE, one.words.strip())
        for one in proposal.parts
        if one.intent in allowed and _said(one.words, text) and not wordless(one.words)
    ]
    parts = kept + tuple(dict.fromkeys(part for part in proposed if not _within(part, kept)))[:MOST_PARTS]
    slots = tuple(Slot(one.field, one.words.strip()) for one in proposal.slots if _said(one.words, text))
    if not proposed or all(part.intent == "unknown" for part in parts):
        return replace(first, slots=slots, language=_language(turn, first, proposal))
    main = max(parts, key=lambda part: (weight(part.intent), part.confidence))
    return replace(
        first,
        intent=main.intent,
        confidence=main.confidence,
        parts=parts,
        slots=slots,
        language=_language(turn, first, proposal),
    )


def _language(turn: Turn, first: Understanding, proposal: Proposal) -> str:
    """A model's word counts only where the message's own little words do not speak against it."""
    spoken = speaks(turn.text)
    fits = proposal.language in LANGUAGES and spoken in ("", proposal.language)
    return proposal.language if fits and not turn.conversation.language else first.language


def take_slots(turn: Turn) -> Turn:
    """Fields that nobody has filled, from the words that a model pointed at, as our own types read them."""
    understood = turn.understood
    if understood is None or not understood.slots:
        return turn
    wanted, here = asked(turn), Here(turn.now, understood.language)
    by_name = {field.name: field for field in turn.profile.fields}
    for slot in understood.slots:
        field = by_name.get(slot.field)
        if field is None or not _may_fill(field, slot, turn, understood, is_wanted=field is wanted):
            continue
        value = fields.parse(slot.words, field, here)
        if isinstance(value, Complaint):
            turn = turn.noting(f'"{slot.words}" is no {field.name}: {value.detail}.')
            continue
        effect = SetField(field.name, value, SLOT, _line_of(turn, slot), slot.words)
        turn = turn.doing(effect).noting(
            f'Took {field.name} = {value} from "{slot.words}", which a model pointed at.'
        )
    return turn


def _may_fill(field: Field_, slot: Slot, turn: Turn, understood: Understanding, *, is_wanted: bool) -> bool:
    """Over a person's value never; over another only when the customer tells or corrects."""
    if any(isinstance(effect, SetField) and effect.name == field.name for effect in turn.effects):
        return False
    telling = is_wanted or bool(TELLING & {part.intent for part in understood.parts})
    existing = context_of(turn).get(field.name)
    if existing is not None and (existing.source == "human" or not (telling or corrects(turn.text))):
        return False
    if field.name in hidden(turn) and not names(field, turn.profile.fields, turn.text):
        return False
    if field.type in OPEN and not is_wanted and (not telling or not _apart(field, slot, turn)):
        return False
    short = len(slot.words) <= LONGEST and len(slot.words.split()) <= MOST_WORDS
    return (telling or understood.intent in _VAGUE) and short and not _denied(slot.words, turn.text)


def _apart(field: Field_, slot: Slot, turn: Turn) -> bool:
    """It stands out from the message: not the whole of it, no question, and a name is written as one."""
    if asks(slot.words) or _folded(slot.words) == _folded(turn.text):
        return False
    return field.type is not FieldType.PERSON_NAME or slot.words.istitle()


def _denied(words: str, text: str) -> bool:
    """ "Not Tuesday" does not say Tuesday."""
    start = text.casefold().find(words.casefold())
    return start >= 0 and negated(text, start)


def _line_of(turn: Turn, slot: Slot) -> int:
    wanted = _folded(slot.words)
    holding = (line.seq for line in turn.burst if wanted in _folded(line.text))
    return next(holding, turn.base_seq)


def _said(words: str, text: str) -> bool:
    """Letter by letter, but for case, spaces and what nobody sees."""
    folded = _folded(words)
    return bool(folded) and re.search(rf"(?<!\w){re.escape(folded)}(?!\w)", text) is not None


def _folded(text: str) -> str:
    return " ".join(shown(text, len(text) + 1).casefold().split())


def _within(part: Part, kept: Sequence[Part]) -> bool:
    return any(
        _folded(part.text) in _folded(one.text) or _folded(one.text) in _folded(part.text) for one in kept
    )
