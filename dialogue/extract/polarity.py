"""What is denied, and what is only asked about."""

import re

_NEGATED = re.compile(
    r"\b(?:not|nothing|isn't|isnt|instead of|rather than|except|anything but|no longer|don't want|dont want|do not want"
    r"|don't need"
    r"|dont need|do not need|en vez de|en lugar de|menos|no quiero)\s+(?:(?:a|an|the|on|at|for|in|to|any|el|la|un"
    r"|una|para)\s+){0,2}$",
    re.IGNORECASE,
)
_NO = re.compile(
    r"\b(?:no|not|don'?t|doesn'?t|isn'?t|aren'?t|without|never|won'?t|can'?t|cannot|needn'?t|non|skip|sin|nunca)\b"
    r"\W+(?:\w+\W+){0,3}$",
    re.IGNORECASE,
)
_DO_NOT_CARE = re.compile(
    r"\b(?:any(?:thing|where|one|time|body)?(?: (?:is|will|would|works|one|of)\b.*)?$|(?:do ?n'?t|not"
    r"|doesn'?t) (?:care|matter|mind|have (?:a|any) preference)"
    r"|no preferences?|whatever|whichever|up to you|you (?:choose|pick|decide)|me da igual|cualquier\w*"
    r"|no importa)\b",
    re.IGNORECASE,
)
_ABOUT_THE_OFFER = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|and|also|great|cool|good|but|so|oh|well|wait|yes|hmm|nice|alright|perfect|thanks"
    r"|thank you)[,.! ]+)*"
    r"(?:(?:can|could|would) you (?:please )?(?:tell|let|check|confirm)\b.*\b(?:if|whether)\b"
    r"|(?:i(?:'d| would) like to know|do you know|i want to know|tell me|wondering)\b.*\b(?:if|whether)\b"
    r"|(?:do|does|is|are|can|will|has|have|did|would|could) (?:they|it|this|that|these|those|he|she|the|their|its"
    r"|your|there (?:any )?)"
    r"(?!\S* (?:possible|okay|ok|alright)\b))",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"\b(?:one|ones|any|some|another|other|somewhere|place|places|option|options|something)\b", re.IGNORECASE
)
_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]?")


_CORRECTS = re.compile(
    r"\b(?:meant|mean|actually|sorry|instead|change (?:it|that)|quise decir|mejor|perd[oó]n|me equivoqu[eé])\b"
    r"|^\W*(?:no|not)\b",
    re.IGNORECASE,
)


def corrects(text: str) -> bool:
    """ "No, I meant Thursday": what is said last is meant."""
    return bool(_CORRECTS.search(text))


def does_not_care(text: str) -> bool:
    """ "Any will do", "up to you": an answer that gives no value."""
    return bool(_DO_NOT_CARE.search(text))


def negated(text: str, start: int) -> bool:
    """ "not Tuesday", "instead of the cleaning"."""
    return bool(_NEGATED.search(text[max(0, start - 60) : start]))


def denied(text: str, start: int) -> bool:
    """ "no pets", "I don't need a garage": a wider reach, for what a field says yes or no to."""
    return bool(_NO.search(re.split(r"[.!?;]\s", text[max(0, start - 40) : start])[-1]))


def sentence_at(text: str, start: int) -> str:
    return next((m[0] for m in _SENTENCE.finditer(text) if m.start() <= start < m.end()), text)


def asks_about(text: str, start: int) -> bool:
    """ "Do they have wifi?" asks; "is there one with wifi?" and "find me one with wifi" want it."""
    said = sentence_at(text, start)
    return said.rstrip().endswith("?") and bool(_ABOUT_THE_OFFER.match(said)) and not _WISH.search(said)
