"""The answer to our question in open words, without the words that carry it."""

import re
from collections.abc import Iterator

from dialogue.extract.about import TAIL, VERBS, little
from dialogue.extract.cues import Signs, stems
from dialogue.extract.heard import Found, Heard, How
from dialogue.extract.polarity import corrects, does_not_care
from dialogue.extract.spans import openers
from domain.fields import Complaint, Field_, FieldType, parse
from domain.fields.boolean import yes_or_no
from domain.fields.options import plain

_CARRIER = re.compile(
    r"^(?:(?:yes|yeah|yep|yup|no|nope|ok|okay|sure|well|um|uh|hi|hey|hello|thanks|thank you|great|good|perfect"
    r"|alright|please|actually"
    r"|oh|sorry|so|and|but|also|hmm|si|hola|bueno|gracias|por favor|pues)\b[,.! ]*)*"
    r"(?:(?:i|it|that|this|we|you|us|me|let's|lets|can|could|would|will|should|'d|'ll|'m|'s|d|like|want|wanna"
    r"|need|prefer|love|enjoy"
    r"|make|set|put|use|list|book|find|search|look|looking|get|give|try|go|going|headed|heading|travel|traveling"
    r"|travelling|fly|flying"
    r"|is|are|be|am|was|would|it's|that's|i'd|i'll|i'm|we're|we'll|we'd|to|for|at|in|from|near|around|on|of|by"
    r"|with|as|a|an|the|some"
    r"|something|somewhere|anything|any|place|places|called|named|name|title|word|my|preferably|maybe|probably"
    r"|perhaps|think|how"
    r"|about|what|there|located|interested|into|check|under|just|check out|please|do|have|hoping|thinking"
    r"|quiero|quisiera|necesito|el|la|los|las|un|una|en|de|para|con|es|seria|me|gustaria|busco|voy|vamos|al|se"
    r"|llama|mi|nombre)\b['’ ,:]*)*",
    re.IGNORECASE,
)
_NOT_SAID = re.compile(
    r"\b(?:don'?t know|not sure|no idea|what do you|which ones|no se|i(?:'m| am) not|what are|what else"
    r"|anything else)\b",
    re.I,
)
_QUESTION = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|and|so|but|well|yes|great|sure)[,.! ]+)*(?:what|which|who|where|when|why|how much"
    r"|how many|how far|how long|do|does|is|are|did|has)\b.*\?",
    re.IGNORECASE,
)


def answers(heard: Heard, asked: list[Field_], signs: dict[str, Signs], masked: str) -> Iterator[Found]:
    """The answer to our question, without the words that carry it; only where no other reading holds them."""
    if not asked or does_not_care(heard.text) or _NOT_SAID.search(heard.text):
        return
    if _QUESTION.match(heard.text.strip()):
        return
    field, spoken_for = asked[0], frozenset().union(*(one.said for one in signs.values()))
    if field.type is FieldType.LONG_TEXT:
        words = heard.text.strip()
        value = parse(words, field, heard.here)
        if not isinstance(value, Complaint):
            yield Found(field.name, value, 0.75, words, heard.text.index(words), How.ANSWERED)
        return
    for start, words in _bare(masked):
        value = parse(words, field, heard.here)
        if corrects(heard.text) and words.islower():
            continue
        if _says_something(words, spoken_for) and not isinstance(value, Complaint):
            sure = 0.8 if field.type is FieldType.PERSON_NAME else 0.75
            yield Found(field.name, value, sure, words, start, How.ANSWERED)
            return


def _bare(masked: str) -> Iterator[tuple[int, str]]:
    """What each sentence says once its opening and its end are taken off; a long one in small letters says
    something else."""
    for m in re.finditer(r"[^.!?;\n\0]+(?:(?<=\b[A-Z])\.[^.!?;\n\0]*)*", masked):
        carrier = _CARRIER.match(m[0].lstrip())
        start = m.start() + len(m[0]) - len(m[0].lstrip()) + (carrier.end() if carrier else 0)
        cut = TAIL.search(masked[start : m.end()])
        said = masked[start : start + cut.start() if cut else m.end()]
        words = said.strip(" ,:'’\"“”-")
        start += said.find(words)
        size = len(words.split())
        if re.search(r"\w", words) and size <= (4 if words.islower() else 10):
            yield start, words


def _says_something(words: str, spoken_for: frozenset[str]) -> bool:
    said = plain(words)
    if (
        said in openers() | little()
        or set(stems(words)) <= spoken_for
        or (not stems(words) and not re.search(r"\d", words))
    ):
        return False
    if yes_or_no(words) is not None and len(words.split()) <= 3:
        return False
    return not VERBS.search(said)
