"""What a home can have: one name for each thing, and the words by which feeds and people call it, in English and
Spanish. Of homes only, never of who lives in them."""

import re

_WORDS = {
    "pool": r"(?:swimming )?pools?\b(?! table)|piscinas?|albercas?",
    "garage": r"garages?|garajes?|cocheras?",
    "fenced_yard": r"fenced|cercad[oa]s?|bardad[oa]s?",
    "fireplace": r"fire ?places?|chimeneas?",
    "waterfront": r"water ?front|lake ?front|on (?:the|a) (?:lake|river|water)|frente al (?:lago|r[ií]o|agua)",
    "view": r"\b(?:with|has|have|a|nice|great|hill country|city|lake|water) views?\b|\bviews? of\b|\bvistas?\b",
    "single_story": r"(?:single|one)[- ]?(?:story|level|storey)|no stairs|un(?:a)? sol[oa] (?:piso|planta)|sin escaleras",
    "new": r"new(?:ly)?[- ](?:built|construction|build)|brand[- ]new|construcci[oó]n nueva|reci[eé]n construid[oa]",
    "hardwood": r"hard ?wood|wood(?:en)? floors?|pisos? de madera|duela",
    "office": r"(?:home )?office\b|study\b|den\b|oficina|estudio\b",
    "patio": r"patios?\b(?! trasero)|decks?\b|porch(?:es)?|terrazas?|p[oó]rticos?",
    "balcony": r"balcon(?:y|ies)|balc[oó]n(?:es)?",
    "air_conditioning": r"air[- ]?condition\w*|central air|\ba/?c\b|aire acondicionado",
    "laundry": r"laundry|washer|lavander[ií]a",
    "furnished": r"furnished|amueblad[oa]s?",
    "basement": r"basements?|s[oó]tanos?",
    "solar": r"solar|paneles solares",
    "ev_charger": r"ev[- ](?:charger|charging|outlet)|car charger|cargador (?:el[eé]ctrico|para (?:coche|auto))",
    "accessible": r"(?:wheelchair|handicap)[- ]?accessible|accessible (?:home|house|entrance|bath\w*)|step[- ]free|ramp\b"
    r"|accesible (?:en|para) silla|sin escalones|rampa",
    "pets": r"pets? (?:allowed|ok|welcome|friendly)|allows? pets?|pet[- ]friendly|se (?:aceptan|permiten) mascotas",
    "no_hoa": r"(?:no|without(?: an?)?) hoa|no (?:home ?owners'? )?association|sin (?:hoa|asociaci[oó]n)",
    "guest_house": r"guest (?:house|suite)|casita|adu\b|in-law suite|casa de (?:hu[eé]spedes|invitados)",
    "walk_in_closet": r"walk[- ]?in closets?|vestidor(?:es)?",
}
FEATURES = {name: re.compile(rf"(?:(?<=\W)|^)(?:{words})", re.IGNORECASE) for name, words in _WORDS.items()}
_NAMES_ES = {
    "pool": "piscina", "garage": "garaje", "fenced_yard": "patio cercado", "fireplace": "chimenea",
    "waterfront": "frente al agua", "view": "vistas", "single_story": "un solo piso", "new": "construcción nueva",
    "hardwood": "piso de madera", "office": "oficina", "patio": "terraza", "balcony": "balcón",
    "air_conditioning": "aire acondicionado", "laundry": "lavandería", "furnished": "amueblado", "basement": "sótano",
    "solar": "paneles solares", "ev_charger": "cargador eléctrico", "accessible": "accesible", "pets": "mascotas",
    "no_hoa": "sin asociación", "guest_house": "casa de huéspedes", "walk_in_closet": "vestidor",
}  # fmt: skip
_NAMES_EN = {
    "no_hoa": "no HOA",
    "ev_charger": "EV charger",
    "new": "new construction",
    "pets": "pets allowed",
}


def named(text: str) -> tuple[str, ...]:
    """The features that these words name, in a fixed order."""
    return tuple(name for name, words in FEATURES.items() if words.search(text))


def called(name: str, language: str) -> str:
    own = _NAMES_ES if language == "es" else _NAMES_EN
    return own.get(name, name.replace("_", " "))
