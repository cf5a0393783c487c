"""What a field for open words is about, by its own words: a place, a person, a name, a sort; and the small words that
name nothing."""

import re
from collections.abc import Iterable
from functools import cache

from dialogue.extract.cues import Signs, joined, lexicon
from dialogue.extract.heard import Found
from dialogue.extract.spans import MASK
from domain.fields import Field_, FieldType

PLACE = re.compile(
    r"\b(?:city|cities|town|locat\w+|area|region|country|state|neighbou?rhoods?|destination|where|venue|airport"
    r"|station"
    r"|address|place to|ciudad|zona|lugar|destino|origen|origin|marina|port|pais|ubicacion|direccion)\b"
)
ORIGIN = re.compile(r"\b(?:from|origin|depart\w*|leav\w+|start\w*|pick.?up|source|desde|origen|salida)\b")
TARGET = re.compile(
    r"\b(?:to|destination|arriv\w*|going|drop.?off|toward|travel(?:ing)? to|hacia|destino|llegada)\b"
)
PERSON = re.compile(
    r"\b(?:doctor|dentist|stylist|therapist|barber|agent|advisor|adviser|recipient|receiver|payee|contact|person"
    r"|driver|host"
    r"|owner|artist|actor|actress|director|singer|teacher|lawyer|physician|counselor|provider|instructor|captain"
    r"|skipper"
    r"|technician|whom|who|persona|medico|destinatario)\b"
)
_OWN = re.compile(
    r"\b(?:your|customer|client|contact|patient|full|first|last|caller|guest|lead|visitor|buyer|nombre|su)\b"
)
NAMED = re.compile(r"\b(?:name|names|title|called|nombre|titulo|label)\b")
SORT = re.compile(
    r"\b(?:type|kind|genre|category|cuisine|sport|style|breed|brand|make|model|colou?r|flavou?r|specialty|subject"
    r"|topic|food"
    r"|tipo|genero|marca|modelo|color)\b"
)
RATED = re.compile(r"\b(?:rating|score|rated|calificacion)\b")
IN = frozenset(
    {"in", "near", "around", "visit", "visiting", "into", "located", "within", "outside", "en", "cerca de"}
)
TOWARD = frozenset({"to", "toward", "towards", "into", "visit", "visiting", "for", "hasta", "hacia"})
CALLED = frozenset({"called", "named", "titled", "as", "is"})
TAIL = re.compile(
    r"(?:[.!?;]\s|[.!?;]$|\n|,? (?:please|pls|thanks|thank you|if possible|instead|for now|por favor|gracias)\b"
    r"|, (?:and|but|i|we|for|so|on|at|with"
    r"|is|can|could|do|does|what|y)\b| (?:and|but) (?:i|we|it|the|my|on|for|at|please|could|can|would|set|make"
    r"|book|schedule|put|send|get|find)\b| (?:on|at|for|until|by|from|this|next) \0"
    r"|\0| (?:would|will) be (?:fine|good|great|nice|perfect|ok)| (?:is|sounds|works|looks) (?:fine|good|great"
    r"|perfect|nice|ok|best)"
    r"|, please| as (?:the|an?|my) \w+(?: \w+)?$| for (?:me|us)\b| (?:when|where|because|since|so that|which|that) )",
    re.IGNORECASE,
)


def without(masked: str, found: Iterable[Found]) -> str:
    for one in found:
        masked = masked[: one.start] + MASK * len(one.words) + masked[one.end :]
    return masked


CITY = re.compile(r"\b(?:city|town|ciudad)\b")


def direction(field: Field_, signs: Signs) -> tuple[bool, bool]:
    """Whether it is where something begins, and where it ends; its name says more than its description."""
    if not PLACE.search(signs.words) and not re.search(r"departure|arrival|from|leav", signs.words):
        return False, False
    name = joined(field.name)
    named = bool(ORIGIN.search(name)), bool(TARGET.search(name))
    return named if any(named) else (bool(ORIGIN.search(signs.words)), bool(TARGET.search(signs.words)))


def is_own(field: Field_, words: str) -> bool:
    """It asks who the customer is, and not for a stylist, a doctor, a host."""
    if field.type is not FieldType.PERSON_NAME:
        return False
    return field.name == "name" or not PERSON.search(words) or bool(_OWN.search(words))


RECIPIENT = re.compile(r"\b(?:recipient|receiver|payee|beneficiary|destinatario|send|pay|to whom)\b")


@cache
def nations() -> frozenset[str]:
    return frozenset(lexicon()["nationalities"].split())


SPOKEN_OR_EATEN = re.compile(r"\b(?:cuisine|food|language|dish|cocina|comida|idioma)\b")


@cache
def little() -> frozenset[str]:
    return frozenset(lexicon()["stop"].split()) | frozenset(lexicon()["plainwords"].split())


VERBS = re.compile(
    r"\b(?:i|you|we|it|they|he|she|is|are|was|am|need|want|going|go|looking|attend|see|have|will|would|won't|do"
    r"|does|works?|find|leave|arrive|depart|call|might|reservation"
    r"|pick|reserve|book|get|please|thanks?|okay|correct|tickets?|people|quiero|necesito|voy)\b"
)
