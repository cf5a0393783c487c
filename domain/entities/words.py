"""The words of English and Spanish: numbers, weekdays, months, parts of the day, and common misspellings."""

from collections.abc import Iterable
from datetime import time
from functools import cache

from rapidfuzz.distance import OSA


def spoken(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _count(words: str, start: int = 0, step: int = 1) -> dict[str, int]:
    return {word: start + step * i for i, word in enumerate(words.split())}


UNITS = {
    **_count("zero one two three four five six seven eight nine"),
    **_count("cero uno dos tres cuatro cinco seis siete ocho nueve"),
}
TEENS = {
    **_count("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 10),
    **_count("diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve", 10),
    **_count("veintiuno veintidos veintitres veinticuatro veinticinco", 21),
    **_count("veintiseis veintisiete veintiocho veintinueve", 26),
}
TENS = {
    **_count("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10),
    **_count("veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa", 20, 10),
    "fourty": 40,
}
HUNDREDS = {
    **_count("cien doscientos trescientos cuatrocientos quinientos", 100, 100),
    **_count("seiscientos setecientos ochocientos novecientos", 600, 100),
    "ciento": 100,
}
CARDINALS = {**UNITS, **TEENS, **TENS, **HUNDREDS}
SCALES = {
    "thousand": 1_000,
    "mil": 1_000,
    "million": 1_000_000,
    "millon": 1_000_000,
    "millones": 1_000_000,
    "billion": 1_000_000_000,
}
ONLY_SPANISH = frozenset({"once", "mil"})  # "once" is a number only beside Spanish words

WHICH = spoken(  # before "one": a thing already spoken of
    "this that which no another other any every each some different good new better cheaper bigger smaller the if "
    "first last next best nice"
)
AFTER_PRONOUN = spoken("of that is are in with would will works which near like more available thing")
TAKING = spoken("like find want need get have is make book see take try send")
AFTER_TAKEN = spoken("for at on to from and or please today tomorrow if when but")

_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
ORDINALS = {
    **_count(f"{_ORDINALS} fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth", 1),
    **_count("twentieth thirtieth", 20, 10),
}

SPANISH_WORDS = spoken(  # one of them shows the language
    "que para por hola gracias quiero quisiera cita horas hoy ayer manana tarde noche proximo proxima "
    "martes miercoles jueves viernes domingo sabado lunes puedo tengo necesito favor somos estoy soy "
    "llamo semana dia dias personas dolares pesos cuesta hasta entre unos unas"
)
SPANISH_LITTLE_WORDS = spoken(
    "el la las los un una del de al con en es y mi mis su me lo son hora mes"
)  # two of them

_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
DOUBTFUL_DAYS = {"wed": 2, "sat": 5, "sun": 6}  # also words of their own
WEEKDAYS = {
    **_count(_DAYS),
    **_count("mon tue wed thu fri sat sun"),
    **{"tues": 1, "weds": 2, "thur": 3, "thurs": 3},
}
DIAS = _count("lunes martes miercoles jueves viernes sabado domingo")

_MONTHS = "january february march april may june july august september october november december"
_MESES = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
MONTHS = {
    **_count(_MONTHS, 1),
    **{month[:3]: i for i, month in enumerate(_MONTHS.split(), 1)},
    "sept": 9,
}
MESES = {**_count(_MESES, 1), "setiembre": 9}

DAY_PARTS = {
    "morning": (time(8), time(12)),
    "afternoon": (time(12), time(17)),
    "evening": (time(17), time(21)),
    "night": (time(18), time(23, 59)),
    "lunchtime": (time(12), time(14)),
}
PARTES = {"manana": "morning", "madrugada": "morning", "tarde": "afternoon", "noche": "night"}

HOLIDAYS = {
    "christmas eve": (12, 24),
    "christmas day": (12, 25),
    "christmas": (12, 25),
    "xmas": (12, 25),
    "boxing day": (12, 26),
    "new year's eve": (12, 31),
    "new years eve": (12, 31),
    "new year's day": (1, 1),
    "new years day": (1, 1),
    "valentine's day": (2, 14),
    "valentines day": (2, 14),
    "st patrick's day": (3, 17),
    "juneteenth": (6, 19),
    "independence day": (7, 4),
    "veterans day": (11, 11),
    "halloween": (10, 31),
}
FIESTAS = {"nochebuena": (12, 24), "navidad": (12, 25), "nochevieja": (12, 31)}

_THANKSGIVING, _KING = (11, 4, 3), (1, 3, 0)
FLOATING = {  # month, which one of them, weekday, days after
    "thanksgiving day": (*_THANKSGIVING, 0),
    "thanksgiving": (*_THANKSGIVING, 0),
    "black friday": (*_THANKSGIVING, 1),
    "mlk day": (*_KING, 0),
    "martin luther king day": (*_KING, 0),
    "presidents day": (2, 3, 0, 0),
    "presidents' day": (2, 3, 0, 0),
    "mother's day": (5, 2, 6, 0),
    "mothers day": (5, 2, 6, 0),
    "memorial day": (5, -1, 0, 0),
    "father's day": (6, 3, 6, 0),
    "fathers day": (6, 3, 6, 0),
    "labor day": (9, 1, 0, 0),
    "columbus day": (10, 2, 0, 0),
}

ABBREVIATIONS = {
    "tmrw": "tomorrow",
    "tmr": "tomorrow",
    "tmrow": "tomorrow",
    "tomoz": "tomorrow",
    "tonite": "tonight",
    "wensday": "wednesday",
    "wendsday": "wednesday",
    "weds": "wednesday",
    "mins": "minutes",
    "hrs": "hours",
}
_SPELLABLE = (
    *_DAYS.split(),
    *(month for month in _MONTHS.split() if len(month) > 5),
    *spoken("tomorrow yesterday morning afternoon evening tonight minutes weekend"),
    *spoken("miercoles jueves viernes domingo septiembre noviembre diciembre"),
)
_REAL_WORDS = spoken(
    "mourning sundry sundae moaning mooning augusta augustus minuets manatees setiembre weekends"
)


@cache
def respell(word: str) -> str:
    """The calendar word that was meant ("tommorow" → "tomorrow"), or the word itself. One slip of the pen for
    six letters, two from seven letters on; the first letter is always right."""
    if word in ABBREVIATIONS:
        return ABBREVIATIONS[word]
    if not 6 <= len(word) <= 12 or word in _REAL_WORDS or word in _SPELLABLE or word in WEEKDAYS:
        return word
    slips = 1 if len(word) == 6 else 2
    near = [known for known in _SPELLABLE if _close(word, known, slips)]
    return min(near, key=lambda known: OSA.distance(word, known), default=word)


def _close(word: str, known: str, slips: int) -> bool:
    allowed = min(slips, 1 if len(known) < 8 else 2)
    same_start = word[0] == known[0] and word != known + "s"
    return same_start and OSA.distance(word, known, score_cutoff=allowed) <= allowed


def pattern_of(words: Iterable[str]) -> str:
    """An alternation that takes the longest word first."""
    return "|".join(sorted(words, key=len, reverse=True))
