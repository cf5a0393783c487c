"""What a message wants of the homes that were shown: more of them, one of them, one like it, the shortlist."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

View = Literal["", "search", "more", "details", "similar", "keep", "drop", "list", "clear"]
LAST = -1
_NUMBERS = (
    "first|1st|primer[ao]?", "second|2nd|segund[ao]", "third|3rd|tercer[ao]?", "fourth|4th|cuart[ao]", "fifth|5th|quint[ao]",
    "sixth|6th|sext[ao]", "seventh|7th", "eighth|8th", "ninth|9th", "tenth|10th",
)  # fmt: skip
_ORDINAL = re.compile(
    rf"\b(?:(?:{'|'.join(f'({one})' for one in _NUMBERS)})|(last|[uú]ltim[ao]))\b"
    r"(?![- ]+(?:time|floor|name|step|thing|bath\w*|bed\w*|day|week|month|option period|come|showing|visit"
    r"|home ?buyers?))",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?:\b(?:number|option|no\.|home|house|listing|about|see|save|keep|remove|delete|like|than|n[uú]mero"
    r"|opci[oó]n|casa"
    r"|sobre|guarda|quita|la|el)\s+|#\s?)(\d{1,2})\b"
    r"(?![\d,.:-]*\s*(?:am|pm|k\b|bed|br\b|bd\b|bath|ba\b|sq|%|\d|miles?|months?|weeks?|days?|hours?|years?|min"
    r"|people|homes|more"
    r"|rec|ba[nñ]|mil|mes|a[nñ]o|d[ií]a))"
    r"|^\W*(\d{1,2})\W*$",
    re.IGNORECASE,
)
_HOMES = (
    r"(?:homes?|houses?|condos?|condominiums?|town ?(?:houses?|homes?)|apartments?|apts?|lofts?|duplex(?:es)?"
    r"|propert(?:y|ies)"
    r"|(?<!take )(?<!takes )(?<!took )places?(?! to (?:eat|park))|listings?|studios?|real estate"
    r"|casas?|departamentos?|condominios?"
    r"|propiedad(?:es)?|viviendas?"
    r"|\d[- ]?(?:bed|br|bd|rec[aá]maras?|habitaci\w+|dormitorios?)\w*|(?:one|two|three|four|five|dos|tres"
    r"|cuatro)[- ](?:bed|rec[aá]m|habit)\w*)"
)
_SEEKS = (
    r"(?:look(?:ing)? (?:for|at|to (?:buy|rent))|search(?:ing)? (?:for)?|find|show (?:me|us)|see (?:some|any"
    r"|your)|interested in|want"
    r"(?: to (?:buy|rent))?|need|(?:do you|you guys|u) (?:have|got)|have you got|got any|are there(?: any)?"
    r"|any(?:thing)?|what"
    r"(?:'s| is| are| do you have)?|buy(?:ing)?|rent(?:ing)?|list (?:of|all)|send me"
    r"|busc(?:o|ando|amos)|mu[eé]str(?:a|e)(?:me|nos)|ens[eé][nñ](?:a|e)me|quier[oe]|quisiera|necesit(?:o|amos)"
    r"|tienen?|hay"
    r"|comprar|rentar|alquilar|me interesan?)"
)
_WANTS = re.compile(rf"\b{_SEEKS}\b[^.?!\n]{{0,70}}?\b{_HOMES}\b", re.IGNORECASE)
_BARE = re.compile(
    rf"^\W*(?:hi|hello|hey|hola)?\W*(?:an?|una?|some)?\s*(?:[\w$-]+\s+){{0,3}}{_HOMES}\b[^.?!]{{0,40}}?\b(?:in"
    rf"|under|below|for|around|near|with|up to|en|por|con|cerca|menos|hasta)\b",
    re.IGNORECASE,
)
_NOT_SEARCH = re.compile(
    r"\b(?:sell(?:ing)?|list(?:ing)?|worth|value|evaluate|apprais\w*|manage|insur\w*|clean\w*|repair\w*|vend(?:er"
    r"|o|emos)|vale|valor)\b"
    r"[^.?!]{0,30}\b(?:my|our|mi|nuestra)\b|\b(?:my|our|mi|nuestra)\b (?:own )?(?:\w+ )?(?:home|house|condo|place"
    r"|casa|property)\b"
    r"|\b(?:open house|house ?(?:warming|hold|keep\w*)|home ?owners?'?|home inspection|vacation rentals?"
    r"|how do (?:i|you) (?:buy|sell))\b"
    r"|\b(?:steps?|process|costs?|fees?) (?:to|of|for|in) buy\w*|\b(?:sell(?:ing)?|vender) (?:a|my|our|una?|mi) "
    r"|\b(?:property|real estate) tax\w*|\bdo (?:you|u|y'?all)(?: guys| all)? (?:buy|manage)\b"
    r"|\b(?:make|made|submit|put in|write|send) (?:an?|our|my) (?:\w+ )?offer\b|\boffer on\b"
    r"|\b(?:impuestos?|predial)\b|\bhacer una oferta\b",
    re.IGNORECASE,
)
_IN_GENERAL = re.compile(
    r"^\W*(?:and |y |so )?(?:how (?:much|many|long|do|does|can|is|are)|why|when|who|(?:do|must|should|does) (?:i|we|one)"
    r"|cu[aá]nt[oa]s?|por qu[eé]"
    r"|c[oó]mo|cu[aá]ndo)\b",
    re.IGNORECASE,
)
"""A question of the market or the business, not for a list of homes."""
_SHORTLIST = re.compile(
    r"\b(?:(?:my|the|our|mi|la|nuestra)?\s*(?:short ?list|saved (?:homes?|ones?|list|listings?)|favou?rites?"
    r"|saved)|my list|mi lista"
    r"|(?:casas |las )?(?:guardad[ao]s|favorit[ao]s)|lista de favorit[ao]s)\b",
    re.IGNORECASE,
)
_KEEP = re.compile(
    r"\b(?:save|keep|short ?list|bookmark|favou?rite|add|put|like|love|remember|guard[ae]\w*|agreg[au]\w*"
    r"|a[nñ]ad\w*|me gusta|apunt\w*)\b",
    re.IGNORECASE,
)
_DROP = re.compile(
    r"\b(?:remove|delete|drop|take (?:it |that |them )?off|forget|not (?:interested|that one)|quit[ae]\w*"
    r"|elimin[ae]\w*|borr[ae]\w*|sac[ae]\w*)\b",
    re.IGNORECASE,
)
_KEEP_VERB = re.compile(r"\b(?:save|add|put|guard[ae]\w*|agreg\w+|a[nñ]ad\w+)\b", re.IGNORECASE)
_CLEAR = re.compile(
    r"\b(?:clear|empty|delete all|remove all|remove everything|vac[ií]\w*|borra todo)\b", re.I
)
_SIMILAR = re.compile(
    r"\b(?:(?:something|anything|homes?|houses?|ones?|others?|more|algo|otr[ao]s?"
    r"|casas?)\s+(?:\w+\s+){0,2}?(?:like|similar(?:es)? (?:to|a)|comparable to"
    r"|as nice as|como|parecid[ao]s? a)\b|\b(?:similar|comparable|parecid[ao]s?)\b|^\W*like (?:the|that|this|it)"
    r"|\bjust like\b)",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\b(?:(?:show|see|send|have|any|some|got|give|list|two|three|few|even) (?:me |us )?(?:\w+ )?(?:more|others?)"
    r"|more (?:please|homes|houses|options|results|listings)"
    r"|(?:what|anything|something) else|other (?:ones|homes|houses|options)|next (?:ones?|page|three|few)?"
    r"|keep going|"
    r"(?:ver |mu[eé]str\w+ |tienes? |hay )?(?:m[aá]s (?:casas|opciones|resultados|por favor)|otras(?: casas"
    r"| opciones)?|las siguientes?))\b"
    r"|^\W*(?:more|next|m[aá]s|otras|siguientes?)\W*(?:please|por favor)?\W*$",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"\b(?:tell|more (?:about|info|details)|details?|info(?:rmation)?|describe|how (?:big|old|much|many|large)"
    r"|what(?:'s| is| year)"
    r"|does (?:it|that|this|the)|is (?:it|that|this|the)|has it|hoa|year built|built|square f|address|price|lot"
    r"|garage|pool|yard|when was"
    r"|still (?:available|for sale|there)|available|under contract|cu[eé]ntame|detalles?|informaci[oó]n"
    r"|m[aá]s sobre|cu[aá]nt[oa]s?|qu[eé] tan|tiene|precio"
    r"|direcci[oó]n|disponible|sigue)\b",
    re.IGNORECASE,
)
_FACTS = re.compile(
    r"\b(?:how (?:big|old|much|many|large)|square f\w+|sq ?ft|hoa|year|built|garage|pool|yard|stor(?:y|ies)"
    r"|bed\w*|bath\w*|price|address"
    r"|available|under contract|lot|cu[aá]nt[oa]s?|precio|garaje|piscina|alberca|cochera|disponible)\b",
    re.IGNORECASE,
)
"""What is asked of one home."""
_IT = re.compile(
    r"\b(?:it|that (?:one|home|house|condo|place)|this (?:one|home|house|condo|place)|the (?:house|home|condo"
    r"|place)|[eé]s[ea]|est[ea]|la casa|l[ao])\b",
    re.IGNORECASE,
)
_VISIT = re.compile(
    r"\b(?:see|view(?:ing)?|visit(?:ing)?|tour|showing|walk ?through|go see|come by|drive by|ver|visit(?:ar|a"
    r"|arla)|verl[ao]"
    r"|conocer(?:la)?|recorr\w+)\b",
    re.IGNORECASE,
)
_LOOKS = re.compile(r"\b(?:look at|check out|show (?:me|us)|mirar|mu[eé]str\w+)\b", re.IGNORECASE)
_ON_PAPER = re.compile(
    r"\b(?:details?|photos?|pictures?|pics|images?|more (?:about|info|homes|houses|of)|listing page|video"
    r"|short ?list|list"
    r"|anything|something|others?|detalles?|fotos?|im[aá]genes|lista|otras?|m[aá]s)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?<![\w$.,#-])(\d{1,5})\s+(?:[NSEW]\.?\s+|north |south |east |west )?([A-Za-z][A-Za-z'-]{2,})",
    re.IGNORECASE,
)
_COUNTED = (
    "bed beds bedroom bedrooms bath baths bathroom bathrooms br sq square feet foot sqft acre acres mile miles minute"
    " minutes hour hours day days week weeks month months year years people kids dollars thousand million percent homes"
    " houses options recamara recamaras banos baños habitaciones dormitorios mil millones dias dólares and or to per more"
    " of am pm story stories car cars pets dogs cats persons adults units is at on in for the with from a an"
)
_NO_STREET = frozenset(_COUNTED.split())
"""After a number these count something; they are no street."""


@dataclass(frozen=True, slots=True)
class Ask:
    """`which` are the places in the list that was shown, from 0; LAST is its last; `it` is the one spoken of."""

    view: View = ""
    which: tuple[int, ...] = ()
    it: bool = False


def wants(text: str) -> bool:
    """Homes are looked for, none that is named, and none of the customer's own."""
    if _NOT_SEARCH.search(text) or _IN_GENERAL.search(text):
        return False
    return bool(_WANTS.search(text) or _BARE.search(text))


def wants_list(text: str) -> bool:
    return bool(_SHORTLIST.search(text)) and not _KEEP_VERB.search(text)


def asks(text: str) -> bool:
    return "?" in text or bool(_IN_GENERAL.search(text))


def sells(text: str) -> bool:
    return bool(_NOT_SEARCH.search(text))


def asks_of_it(text: str) -> bool:
    """Of one home, by "it": "has it got a garage", "how many square feet is it"."""
    return bool(
        re.search(
            r"\b(?:does|has|have|is|was|did) it\b|\bis it\b|\bit (?:has|have|got)\b", text, re.IGNORECASE
        )
    )


def speaks_of_it(text: str) -> bool:
    return bool(_IT.search(text))


def seeks(text: str) -> bool:
    """With a verb: "3 bedrooms in Mueller" may be a wish or a fact, "show me 3 bedrooms" is a wish."""
    return bool(_WANTS.search(text))


def places(text: str) -> tuple[int, ...]:
    found = [(m.start(), LAST if m[len(_NUMBERS) + 1] else next(n for n in range(len(_NUMBERS)) if m[n + 1]))
             for m in _ORDINAL.finditer(text)]  # fmt: skip
    found += [
        (m.start(), int(m[1] or m[2]) - 1) for m in _NUMBER.finditer(text) if 0 < int(m[1] or m[2]) <= 20
    ]
    return tuple(dict.fromkeys(place for _, place in sorted(found)))


def address(text: str) -> tuple[str, str] | None:
    """The house number and the first word of its street."""
    for found in _ADDRESS.finditer(text):
        if found[2].lower() not in _NO_STREET:
            return found[1], found[2]
    return None


def visits(text: str, dated: bool = False) -> bool:
    """They want to go there. To "look at" a home on a day is to go there, without a day it is to hear about it."""
    if _ON_PAPER.search(text):
        return False
    return bool(_VISIT.search(text) or (dated and _LOOKS.search(text)))


def read(text: str, shown: Sequence[Mapping[str, Any]], focus: str) -> Ask:
    """`shown` is what they see, `focus` the key of the one that was spoken of last. Nothing shown, nothing meant."""
    which = places(text) if shown else ()
    which = which or _by_name(text, shown)
    it = not which and bool(focus or len(shown) == 1) and bool(_IT.search(text))
    meant = bool(which or it)
    if _SHORTLIST.search(text) and not (meant and (_KEEP.search(text) or _DROP.search(text))):
        return Ask("clear" if _CLEAR.search(text) else "list")
    if meant and _SIMILAR.search(text):
        return Ask("similar", which, it)
    if meant and _DROP.search(text):
        return Ask("drop", which, it)
    if meant and _KEEP.search(text) and not _ABOUT.search(text):
        return Ask("keep", which, it)
    if shown and not which and (_MORE.search(text) or _SIMILAR.search(text)):
        return Ask("more" if _MORE.search(text) else "similar")
    asks_it = (
        len(shown) > 1 and not meant and re.search(r"\bit\b", text, re.IGNORECASE) and _FACTS.search(text)
    )
    if asks_it and asks_of_it(text):
        return Ask("details", (), True)
    if meant and (_ABOUT.search(text) or (which and len(text.split()) <= 8)):
        return Ask("details", which, it)
    return Ask()


def _by_name(text: str, shown: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """By a word of its street or its neighbourhood that only one of them has: "the one on Maple"."""
    said = set(re.findall(r"[^\W\d_]{4,}", text.lower()))
    if "one" not in text.lower().split() and not re.search(r"\b(?:on|en|at)\b", text, re.IGNORECASE):
        return ()
    named = [
        n
        for n, home in enumerate(shown)
        if said & set(re.findall(r"[^\W\d_]{4,}", str(home["address"]).lower()))
    ]
    return (named[0],) if len(named) == 1 else ()
