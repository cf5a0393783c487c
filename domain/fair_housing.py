"""What a broker may neither say nor be led to say: who lives somewhere, and how good or safe an area is.

42 U.S.C. 3604 (a), (c): steering, and statements that indicate a preference. A question of this kind is not
answered by a machine: it points to public sources, and a person reads it first. Wide on purpose: a question
that is caught for nothing costs a glance.
"""

import re

_PEOPLE = (
    r"\b(?:white|black|brown|asian|chinese|indian|hispanic|latin[oax]s?|mexicans?|african|arab|immigrants?|foreigners?"
    r"|jew(?:s|ish)?|christians?|catholics?|muslims?|hindus?|mormons?|religio\w*|church(?:es)?|mosques?|synagogues?"
    r"|gays?|lesbians?|lgbt\w*|ethnic\w*|races?|racial\w*|divers\w*|demographics?|section 8"
    r"|families|family[- ]friendly|kid[- ]friendly|young couples?|retirees|seniors|disabled"
    r"|(?:kind|type|sort)s? of (?:people|folks|neighbou?rs)|who lives"
    r"|(?:people|folks|neighbou?rs) (?:live|like|there|around)"
    r"|(?:lots? of|many|any|more|mostly) (?:\w+ )?(?:kids|children|students|(?:old|older|young|younger) people|singles)"
    r"|(?:kids|children|students|elderly|singles) .{0,30}(?:neighbou?rhood|area|block|building|complex|community)"
    r"|people like (?:me|us)|blancos?|negros?|mexicanos?|inmigrantes?|jud[ií]os?|cristianos?|musulmanes|iglesias?"
    r"|raza|(?:qu[eé]|cu[aá]l) (?:tipo|clase) de (?:gente|personas|vecinos)|qui[eé]n(?:es)? viven?)\b"
)
_WORTH = (
    r"\b(?:crimes?|violen\w+|dangerous|sketchy|ghetto|gangs?|schools?|school district|escuelas?|colegios?|crimen"
    r"|delincuencia|peligros[oa]s?|segur[oa]s?|seguridad)\b"
    r"|\b(?:un)?safe(?:r|st|ty)?\b(?!.{0,40}\b(?:wire|send|pay|deposit|money)\b)"
    r"|\b(?:good|nice|bad|best|rough|great|decent|better) (?:part of town|areas?|neighbou?rhoods?|places? to (?:live|raise))"
    r"|\bgood (?:area|place|neighbou?rhood)?.{0,20}\bfor (?:a |my |young |our )*(?:famil|kids|children|couple)"
    r"|\b(?:buen|mal|mejor) (?:barrio|vecindario|zona)"
)
_COLOUR = re.compile(
    r"\b(?:white|black|brown) (?:house|door|kitchen|cabinets?|brick|fence|paint\w*|tiles?|walls?)\b", re.I
)
_ASKS = re.compile(f"{_PEOPLE}|{_WORTH}", re.I)
_SOURCES = re.compile(
    r"\bschool|\b(?:un)?safe|\bcrime|dangerous|violen|escuela|colegio|segur|crimen|delincuencia|peligros",
    re.I,
)
_RATES = re.compile(
    r"\b(?:safe|quiet|friendly|desirable|exclusive|diverse|good|great|bad|nice|family[- ](?:friendly|oriented))"
    r" (?:\w+ )?(?:neighbou?rhoods?|areas?|communit(?:y|ies)|schools?|part of town)\b"
    r"|\b(?:perfect|ideal|great|good|not suitable|suitable) for (?:\w+ )?(?:famil|kids|children|couples|singles|seniors"
    r"|professionals|christians)"
    r"|\b(?:mostly|predominantly|mainly) (?:white|black|asian|hispanic|latino|jewish|christian|muslim|young|older)",
    re.I,
)


def asks(text: str) -> bool:
    """Whether the customer asks about people, or how good or safe an area is."""
    return bool(_ASKS.search(_COLOUR.sub(" ", text)))


def asks_for_sources(text: str) -> bool:
    """Whether it is about schools or safety, for which there are public sources."""
    return bool(_SOURCES.search(text))


def describes(text: str) -> bool:
    """Whether words of ours describe who lives somewhere or rate an area."""
    return bool(_RATES.search(text))
