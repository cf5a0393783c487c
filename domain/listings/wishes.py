"""Soft wishes ("a bright kitchen, a quiet street") out of what a customer writes: only words of homes are taken, by a
list of them. Whatever else a message says, of its writer, of their family, of neighbours, cannot become a wish, and so
cannot change which homes are found.

Spanish words are taken in English: the vectors are English, and so are the listings.
"""

import re
from functools import cache

from domain.listings.features import FEATURES

MOST, LONGEST = 6, 2_000
"""Wishes of one search; characters that are read."""
# Words that stand for one another. The first is what the wish is put in.
_QUALITIES = (
    "bright sunny light-filled airy luminous luminosa luminoso iluminada iluminado clara claro soleada soleado",
    "quiet calm peaceful tranquil secluded tranquila tranquilo silenciosa silencioso callada",
    "large big spacious roomy huge generous oversized grande amplia amplio espaciosa espacioso",
    "small compact cozy cosy tiny little acogedora acogedor pequena pequeno",
    "modern contemporary sleek minimalist moderna moderno contemporanea",
    "renovated updated remodeled remodelled refreshed renovada renovado remodelada remodelado actualizada",
    "historic vintage classic charming bungalow victorian craftsman character antigua antiguo historica encanto",
    "new nueva nuevo", "open abierta abierto", "private privada privado", "lively vibrant walkable animada",
    "shaded shady tree-lined leafy sombreada", "efficient green sustainable eficiente", "stone brick piedra ladrillo",
    "industrial loft exposed", "high tall vaulted altos alto", "fenced covered cubierta cercado", "landscaped",
    "well-kept maintained cuidada", "original fixer-upper fixer", "corner esquina", "dead-end cul-de-sac",
)  # fmt: skip
_THINGS = (
    "kitchen cocina", "street road calle", "yard backyard patio jardin", "garden vegetables huerto",
    "window windows ventana ventanas", "light sunlight luz sol", "ceilings ceiling techos techo", "floors floor pisos",
    "living-room living sala", "bedroom suite primary recamara dormitorio", "bathroom tub bath bano tina",
    "island counters pantry isla despensa", "storage closet closets almacenamiento", "workshop taller",
    "porch deck terrace terraza porche", "trees oaks arboles", "view views vista vistas", "park parks parque parques",
    "trail trails sendero senderos", "lake river creek lago rio arroyo", "downtown centro",
    "restaurants cafes coffee shops restaurantes cafeterias tiendas", "bus train transit autobus tren",
    "highway autopista", "floor-plan plan layout", "roof hvac techumbre", "study desk escritorio", "fireplace hearth",
    "courtyard", "skylight tragaluz", "lot terreno", "entry foyer", "stairs escaleras", "traffic trafico",
)  # fmt: skip
_LITTLE = (
    "a an the with and of in on at to for by near close lots plenty lot very really nice good great some un una el la los"
    " las con y de en cerca muy mucha mucho muchas que sea is has natural full facing which"
)
_SKIPPED = frozenset(_LITTLE.split())
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_NOT = re.compile(
    r"\b(?:no|not|without|don'?t|doesn'?t|isn'?t|sin|nada de)\b(?:\W+\w+){0,3}\W*$", re.IGNORECASE
)
_CLAUSE = re.compile(r"[,;.!?\n]+|\band\b|\by\b|\bwith\b|\bcon\b|\bon\b|\bbut\b|\bpero\b", re.IGNORECASE)
_ACCENTS = str.maketrans("áéíóúüñ", "aeiouun")


@cache
def _known() -> dict[str, tuple[str, bool]]:
    """word → (the word that stands for it, whether it is a thing)."""
    known: dict[str, tuple[str, bool]] = {}
    for groups, thing in ((_QUALITIES, False), (_THINGS, True)):
        for group in groups:
            words = group.split()
            known |= {word: (words[0], thing) for word in words if word not in known}
    return known


def read(text: str) -> tuple[str, ...]:
    """In the order they were said, each once; what is a feature of its own is left out."""
    said = _without_features(text[:LONGEST].lower().translate(_ACCENTS))
    found = (_wish(clause, said[:start]) for clause, start in _clauses(said))
    return tuple(dict.fromkeys(wish for wish in found if wish))[:MOST]


def mentions(wish: str, words: str) -> bool:
    """Whether a listing's own words speak of all that the wish holds, be it by other words of the same meaning; in one
    sentence."""
    wanted = [frozenset(_same(one)) for one in wish.split()]
    for sentence in re.split(r"(?<=[.!?])\s+", words.lower()):
        held = set(_WORD.findall(sentence)) | set(_WORD.findall(sentence.replace("-", " ")))
        if all(held & one for one in wanted):
            return True
    return False


@cache
def _same(word: str) -> tuple[str, ...]:
    for group in (*_QUALITIES, *_THINGS):
        if word == group.split()[0]:
            return tuple(group.split())
    return (word,)


def _without_features(said: str) -> str:
    for pattern in FEATURES.values():
        said = pattern.sub(lambda found: " " * len(found[0]), said)
    return said


def _clauses(said: str) -> list[tuple[str, int]]:
    found, start = [], 0
    for end in _CLAUSE.finditer(said):
        found.append((said[start : end.start()], start))
        start = end.end()
    return [*found, (said[start:], start)]


def _wish(clause: str, before: str) -> str:
    """The longest row of words of homes in it: "a really bright kitchen" is "bright kitchen"."""
    known = _known()
    best: list[str] = []
    row: list[str] = []
    things = 0
    for found in _WORD.finditer(clause):
        word = found[0]
        if word in known:
            if not row and _NOT.search(before + clause[: found.start()]):
                return ""
            row.append(known[word][0])
            things += known[word][1]
        elif word not in _SKIPPED:
            best, row = max(best, row, key=len), []
    best = max(best, row, key=len)
    enough = len(best) > 1 or (best and best[0] in _ALONE)
    return " ".join(_ordered(best)) if enough else ""


_ALONE = frozenset({"bright", "quiet", "modern", "renovated", "historic", "industrial", "shaded", "garden", "view",
                    "lake", "trail", "park", "restaurants", "workshop", "private", "lively", "large"})  # fmt: skip
"""Words that are a wish by themselves."""


def _ordered(words: list[str]) -> list[str]:
    """Qualities before things, as English has them: "cocina luminosa" is a bright kitchen."""
    known = _known()
    return sorted(dict.fromkeys(words), key=lambda word: known[word][1])
