"""Places, names and other open words: by what introduces them, by capital letters, by the question just asked."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from dialogue.extract.cues import Signs, before, fit, joined, lexicon, stems
from dialogue.extract.heard import Found, Heard, How
from dialogue.extract.polarity import asks_about, corrects, does_not_care, negated
from dialogue.extract.spans import MASK, Span, openers, spans
from domain.entities import Kind
from domain.fields import Complaint, Field_, FieldType, parse
from domain.fields.boolean import yes_or_no
from domain.fields.options import plain

OPEN = frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.PERSON_NAME, FieldType.ADDRESS})
_MASKED = frozenset(set(Kind) - {Kind.NUMBER, Kind.NAME})

_PLACE = re.compile(
    r"\b(?:city|cities|town|locat\w+|area|region|country|state|neighbou?rhoods?|destination|where|venue|airport"
    r"|station"
    r"|address|place to|ciudad|zona|lugar|destino|origen|origin|marina|port|pais|ubicacion|direccion)\b"
)
_ORIGIN = re.compile(r"\b(?:from|origin|depart\w*|leav\w+|start\w*|pick.?up|source|desde|origen|salida)\b")
_TARGET = re.compile(
    r"\b(?:to|destination|arriv\w*|going|drop.?off|toward|travel(?:ing)? to|hacia|destino|llegada)\b"
)
_PERSON = re.compile(
    r"\b(?:doctor|dentist|stylist|therapist|barber|agent|advisor|adviser|recipient|receiver|payee|contact|person"
    r"|driver|host"
    r"|owner|artist|actor|actress|director|singer|teacher|lawyer|physician|counselor|provider|instructor|captain"
    r"|skipper"
    r"|technician|whom|who|persona|medico|destinatario)\b"
)
_OWN = re.compile(
    r"\b(?:your|customer|client|contact|patient|full|first|last|caller|guest|lead|visitor|buyer|nombre|su)\b"
)
_NAMED = re.compile(r"\b(?:name|names|title|called|nombre|titulo|label)\b")
_SORT = re.compile(
    r"\b(?:type|kind|genre|category|cuisine|sport|style|breed|brand|make|model|colou?r|flavou?r|specialty|subject"
    r"|topic|food"
    r"|tipo|genero|marca|modelo|color)\b"
)
_RATED = re.compile(r"\b(?:rating|score|rated|calificacion)\b")
_RATING = re.compile(
    r"\b(?:rat(?:ed|ing|ings)|score[ds]?|stars?|average)\b\D{0,25}?(?P<a>\d(?:\.\d)?)(?![\d:])"
    r"|(?<![\d.:])(?P<b>\d\.\d)(?![\d:])|(?<![\d.:])(?P<c>\d)(?= (?:or (?:higher|above|more|better)|and (?:above"
    r"|up)|rating\b|plus\b))",
    re.IGNORECASE,
)

_IN = frozenset(
    {"in", "near", "around", "visit", "visiting", "into", "located", "within", "outside", "en", "cerca de"}
)
_TOWARD = frozenset({"to", "toward", "towards", "into", "visit", "visiting", "for", "hasta", "hacia"})
_CALLED = frozenset({"called", "named", "titled", "as", "is"})

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
_TAIL = re.compile(
    r"(?:[.!?;]\s|[.!?;]$|\n|,? (?:please|pls|thanks|thank you|if possible|instead|for now|por favor|gracias)\b"
    r"|, (?:and|but|i|we|for|so|on|at|with"
    r"|is|can|could|do|does|what|y)\b| (?:and|but) (?:i|we|it|the|my|on|for|at|please|could|can|would|set|make"
    r"|book|schedule|put|send|get|find)\b| (?:on|at|for|until|by|from|this|next) \0"
    r"|\0| (?:would|will) be (?:fine|good|great|nice|perfect|ok)| (?:is|sounds|works|looks) (?:fine|good|great"
    r"|perfect|nice|ok|best)"
    r"|, please| as (?:the|an?|my) \w+(?: \w+)?$| for (?:me|us)\b| (?:when|where|because|since|so that|which|that) )",
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


def read(heard: Heard, signs: dict[str, Signs], taken: Sequence[Found]) -> list[Found]:
    fields = [f for f in heard.fields if f.type in OPEN]
    if not fields:
        return []
    masked, loosely = (
        _masked(heard, taken),
        _masked(heard, [one for one in taken if one.how is not How.MEANT]),
    )
    found: dict[str, Found] = {}
    for one in (*_own_name(heard, fields, signs), *_ratings(heard, fields, signs)):
        found.setdefault(one.name, one)
    for one in _titled(heard, [f for f in fields if f.name not in found], signs, masked):
        found[one.name] = one
    masked = _without(masked, found.values())
    for one in _ways(heard, [f for f in fields if f.name not in found], signs, masked):
        found[one.name] = one
    masked = _without(masked, found.values())
    for one in _offered(heard, [f for f in fields if f.name not in found], signs, masked):
        found[one.name] = one
    masked = _without(masked, found.values())
    said = [s for s in spans(heard.text, masked) if not negated(heard.text, s.start)]
    for one in _dealt(heard, [f for f in fields if f.name not in found], signs, said):
        found[one.name] = one
    left = [f for f in fields if f.name not in found and f.name in heard.asked]
    for one in _small_places(heard, left, signs, _without(masked, found.values())):
        found[one.name] = one
    for one in _sorts(
        heard, [f for f in fields if f.name not in found], signs, loosely, list(found.values())
    ):
        found[one.name] = one
    asked = [f for f in fields if f.name in heard.asked and f.name not in found]
    for one in _answers(heard, asked, signs, _without(masked, found.values())):
        found[one.name] = one
    return list(found.values())


def _masked(heard: Heard, taken: Sequence[Found]) -> str:
    """The text without what other fields have read; as long as before."""
    chars = list(heard.text)
    spans = [(e.start, e.end) for e in heard.entities if e.kind in _MASKED]
    types = {f.name: f.type for f in heard.fields}
    spans += [
        (one.start, one.end)
        for one in taken
        if types[one.name] is not FieldType.BOOLEAN and one.words != heard.text.strip()
    ]
    for start, end in spans:
        chars[start:end] = MASK * (end - start)
    return "".join(chars)


def _without(masked: str, found: Iterable[Found]) -> str:
    for one in found:
        masked = masked[: one.start] + MASK * len(one.words) + masked[one.end :]
    return masked


def _titled(heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str) -> Iterator[Found]:
    """ "Name the event Movie at Century 16", "title it doctor appointment": all words up to a pause, also small."""
    for f in fields:
        s = signs[f.name]
        if f.type is not FieldType.TEXT or not _NAMED.search(s.words) or _PERSON.search(s.words):
            continue
        for m in _TITLE.finditer(masked):
            called = m[0].lower().startswith(("called", "named", "titled"))
            about = set(stems(m["about"] or (_last_word(masked[: m.start()]) if called else "")))
            if about - s.all or not (about or f.name in heard.asked or re.search(r"\btitle\b", s.words)):
                continue
            cut = _TAIL.search(m["what"])
            words = (m["what"][: cut.start()] if cut else m["what"]).rstrip(" ,'’\"-.!?")
            if words and len(words.split()) <= 8 and plain(words) not in openers():
                yield Found(f.name, words, 0.85, words, m.start("what"))
                break


def _last_word(text: str) -> str:
    return text.split()[-1] if text.split() else ""


_STATE = re.compile(r", ?(?:[A-Z][A-Za-z]\b|[A-Z][a-z]{2,}(?: [A-Z][a-z]+)?(?=[\s.,;!?]|$))")
_TITLE = re.compile(
    r"\b(?:(?:name|title|call|label|save|list|put)\w{0,2} (?:it|the (?P<about>\w+)|that|this)(?: (?:as|under|to))?"
    r"|(?:the )?(?:title|name)(?: of (?:the|this) \w+)?(?: is| should be| will be|:)|use the (?:word|name|title)s?"
    r"|under the \w+|(?:called|named|titled|labell?ed))(?: the name)? ['\"“]?(?P<what>[^\W_][^\0.!?;\n]{1,80})",
    re.IGNORECASE,
)


def _offered(heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str) -> Iterator[Found]:
    """ "the meze bar is fine": a name that our last message held, in whatever letters. Only where one field could be
    meant."""
    named = [f for f in fields if _NAMED.search(signs[f.name].words) and f.type is FieldType.TEXT]
    if len(named) != 1 or not heard.last:
        return
    for span in spans(heard.last, heard.last):
        name = re.sub(r"^[Tt]he ", "", span.text)
        m = re.search(rf"\b(?:[Tt]he )?{re.escape(name)}\b", masked, re.I) if len(name) > 3 else None
        if m and not set(stems(name)) <= signs[named[0].name].all and not asks_about(heard.text, m.start()):
            yield Found(named[0].name, m[0], 0.8, m[0], m.start())
            return


def _ways(heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str) -> Iterator[Found]:
    """Where from and where to, also in small letters: "a train from ely to london", "leaving cambridge". Of
    several fields the one for a city comes first."""
    used: set[int] = set()
    for f in sorted(fields, key=lambda f: (f.name not in heard.asked, not _CITY.search(signs[f.name].words))):
        origin, target = _direction(f, signs[f.name])
        if origin == target or f.type is not FieldType.TEXT or _NAMED.search(signs[f.name].words):
            continue
        for m in (_FROM_A_PLACE if origin else _TO_A_PLACE).finditer(masked):
            if m.start("what") in used or (target and not _goes(m, masked, asked=f.name in heard.asked)):
                continue
            if words := _place_in(heard.text, m.start("what"), m["what"]):
                used.add(m.start("what"))
                yield Found(f.name, words, 0.8 if words[0].isupper() else 0.7, words, m.start("what"))
                break


def _goes(m: re.Match[str], masked: str, *, asked: bool) -> bool:
    """ "To" is a way only after something that goes; "change that to three" is none, "to include" is a verb."""
    left = masked[: m.start()]
    if not m[0].lower().startswith("to ") or _GOING.search(left):
        return True
    return not _CHANGES.search(left) and (m["what"][0].isupper() or asked)


_CITY = re.compile(r"\b(?:city|town|ciudad)\b")
_CHANGES = re.compile(r"\b(?:change|switch|update|set|make|transfer|send|pay|wire|give)\b[^.!?]{0,40}$", re.I)
_GOING = re.compile(
    r"\b(?:go|goes|going|gong|went|get|gets|getting|head\w*|travel\w*|trains?|bus|buses|taxis?|cab|ride|flights?|fly|flying|trip|journey"
    r"|tickets?|me|us|way|shuttle|drive|driving|car|boat|ferry|over|back|tour|sail\w*|from [\w' ]{2,40}) $",
    re.IGNORECASE,
)


def _direction(field: Field_, signs: Signs) -> tuple[bool, bool]:
    """Whether it is where something begins, and where it ends; its name says more than its description."""
    if not _PLACE.search(signs.words) and not re.search(r"departure|arrival|from|leav", signs.words):
        return False, False
    name = joined(field.name)
    named = bool(_ORIGIN.search(name)), bool(_TARGET.search(name))
    return named if any(named) else (bool(_ORIGIN.search(signs.words)), bool(_TARGET.search(signs.words)))


def _place_in(text: str, start: int, words: str) -> str:
    """The words of a place at the beginning of `words`, "" if a verb or a pronoun begins them."""
    words = words.rstrip(" .,'-")
    while words and plain(words.split()[-1]) in openers() | _little() and not words.split()[-1].isupper():
        words = words.rpartition(" ")[0].rstrip(" ,")
    first = words.split()[0] if words else ""
    if not words or (
        plain(first) in openers() | _little() | _nowhere() and not (first.isupper() or first == "San")
    ):
        return ""
    return words + m[0] if (m := _STATE.match(text, start + len(words))) else words


@cache
def _nowhere() -> frozenset[str]:
    return frozenset(lexicon()["nowhere"].split())


_WHAT = (
    r"(?: (?-i:the))? (?P<what>[^\W\d_][\w'’.&-]*(?: (?!(?:on|at|by|after|before|for|and|to|from|in|with|around|near|please"
    r"|if|is|are|was|will"
    r"|would|i|we|that|this|next|as|or|when|leaving|departing|arriving|going|heading|today|tomorrow|tonight|y|con|el|para|a)\b)"
    r"[\w'’&-]+){0,4})"
)
_FROM_A_PLACE = re.compile(
    rf"\b(?:from|out of|leav(?:e|es|ing)|depart(?:s|ing)?|between|desde|salgo de"
    rf"|pick(?:ed|s)? (?:me|us) up (?:at|in|from)){_WHAT}",
    re.I,
)
_TO_A_PLACE = re.compile(
    rf"\b(?:to|arriv(?:e|es|ing) (?:in|at)|visit(?:ing)?|reach(?:ing)?"
    rf"|destination (?:is|be|should be|will be|to)|hacia|(?:voy|vamos|viajo|ir) a){_WHAT}",
    re.I,
)


def _small_places(
    heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str
) -> Iterator[Found]:
    """ "in austin" after we asked where: places in small letters."""
    for f in fields:
        if not _PLACE.search(signs[f.name].words) or _NAMED.search(signs[f.name].words):
            continue
        for m in _SMALL.finditer(masked):
            words = _place_in(heard.text, m.start("what"), m["what"])
            if words and not set(stems(words)) <= signs[f.name].all and not _VERBS.search(plain(words)):
                yield Found(f.name, words, 0.7, words, m.start("what"))
                break


_SMALL = re.compile(
    r"\b(?:in|to|from|near|around|en|hacia|desde)(?: the)? (?P<what>[a-zà-þ][\w'-]+(?: (?!(?:on|at|for|and|with"
    r"|from|to|in|by|is"
    r"|are|i|we|that|around|near|please|y|con|el|para)\b)[\w'-]+){0,3})"
)


def _own_name(heard: Heard, fields: list[Field_], signs: dict[str, Signs]) -> Iterator[Found]:
    """ "I'm Ann Lee", "a booking under Ann Lee": the customer's name, whole or in its parts; nobody else's."""
    told = next(((str(e.value), e.text, e.start) for e in heard.entities if e.kind is Kind.NAME), None)
    under = None if told else _UNDER.search(heard.text)
    told = (under["who"], under["who"], under.start("who")) if under else told
    if told is None:
        return
    whole = False
    for f in fields:
        words = signs[f.name].words
        if _GIVEN.search(words) or _FAMILY.search(words):
            yield from _part_of(f, told, family=bool(_FAMILY.search(words)))
        elif not whole and _is_own(f, words):
            whole = True
            yield Found(f.name, told[0], 0.9, told[1], told[2])


def _is_own(field: Field_, words: str) -> bool:
    """It asks who the customer is, and not for a stylist, a doctor, a host."""
    if field.type is not FieldType.PERSON_NAME:
        return False
    return field.name == "name" or not _PERSON.search(words) or bool(_OWN.search(words))


def _part_of(field: Field_, told: tuple[str, str, int], *, family: bool) -> Iterator[Found]:
    """The first word of a name, or what comes after it."""
    value, words, start = told
    first, _, rest = words.partition(" ")
    part = rest if family else first
    shown = value.partition(" ")[2 if family else 0]
    if part.strip() and shown:
        yield Found(field.name, shown, 0.85, part, start + words.rindex(part))


_GIVEN = re.compile(r"\b(?:first|given|fore) ?names?\b|\bnombre de pila\b")
_FAMILY = re.compile(r"\b(?:last|family|sur|second) ?names?\b|\bapellidos?\b")
_UNDER = re.compile(
    r"\b(?:[Uu]nder(?: (?:the|my))?(?: \w*name)?(?: of)?,?|in the name of|(?:reservation|booking|table|appointment) for)"
    r" (?P<who>[A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+){1,3})"
)


def _ratings(heard: Heard, fields: list[Field_], signs: dict[str, Signs]) -> Iterator[Found]:
    for f in fields:
        if f.type is not FieldType.TEXT or not _RATED.search(signs[f.name].words):
            continue
        for m in _RATING.finditer(heard.text):
            said = m["a"] or m["b"] or m["c"]
            start = heard.text.index(said, m.start())
            yield Found(f.name, said, 0.85, said, start)
            break
        else:
            m2 = re.search(r"(?<![\d.:])\d(?:\.\d)?(?![\d:])", heard.text) if f.name in heard.asked else None
            if m2:
                yield Found(f.name, m2[0], 0.8, m2[0], m2.start())


def _dealt(heard: Heard, fields: list[Field_], signs: dict[str, Signs], said: list[Span]) -> Iterator[Found]:
    """Each span to the field that it fits best."""
    scored = []
    for n, span in enumerate(said):
        for m, f in enumerate(fields):
            score = _score(heard, f, signs[f.name], span, fields, signs)
            if score >= 2:
                first = len(span.text) / 100 - n / 1000 if f.name in heard.asked else -n
                scored.append((score, first, -m, f, span))
    used: set[int] = set()
    named: set[str] = set()
    for score, _, _, f, span in sorted(scored, key=lambda one: one[:3], reverse=True):
        words = _with_state(heard.text, span) if _PLACE.search(signs[f.name].words) else span.text
        value = parse(words, f, heard.here)
        if f.name in named or span.start in used or isinstance(value, Complaint):
            continue
        used.add(span.start)
        named.add(f.name)
        yield Found(f.name, value, 0.85 if score >= 3 else 0.75, words, span.start)


def _with_state(text: str, span: Span) -> str:
    """ "Seattle, WA", "London, England"."""
    m = _STATE.match(text, span.end) if not span.address else None
    said = m[0].strip(" ,") if m else ""
    return (
        span.text + m[0] if m and (len(said) == 2 or plain(said.split()[0]) not in openers()) else span.text
    )


def _score(
    heard: Heard, field: Field_, signs: Signs, span: Span, fields: list[Field_], about: dict[str, Signs]
) -> float:
    if stems(span.text) and set(stems(span.text)) <= signs.all and not span.address:
        return -1.0  # "a Doctor", "the Hotel": the kind of thing, not its name
    if not _SPOKEN_OR_EATEN.search(signs.words) and all(
        plain(one) in _nations() for one in span.text.split()
    ):
        return -1.0  # "a Korean restaurant" names no restaurant
    words, lead = signs.words, span.lead
    score = 2.0 * (field.name in heard.asked)
    place, named, person = _PLACE.search(words), _NAMED.search(words), _PERSON.search(words)
    score += 0.8 * min(fit(signs, before(heard.text, span.start, 26)), 2)
    score += 0.8 * any(s in signs.all for one in span.tail[:1] for s in stems(one))
    if field.type is FieldType.ADDRESS or (span.address and place):
        score += 3 if span.address else -1
        return score + 1.0 * bool(re.search(r"destination|address", words)) + _toward(words, lead)
    if span.address:
        return -1.0
    if place and not named:
        return score + _as_place(field, words, span, fields, about)
    if lead in _BESIDE and _is_own(field, words):
        return -1.0  # "with Rosa": somebody else
    if field.type is FieldType.PERSON_NAME or (person and named):
        return score + max(
            _as_person(words, span), 2.2 * (lead in _CALLED and not _HUMAN_TAIL.intersection(span.tail))
        )
    if named:
        return score + _as_name(field, lead, span, signs, place=bool(place))
    return score - (lead in _IN) * 1.5


_HUMAN_TAIL = frozenset({"here", "speaking"})


def _toward(words: str, lead: str) -> float:
    origin, target = bool(_ORIGIN.search(words)), bool(_TARGET.search(words))
    if lead in ("from", "desde"):
        return 1.0 * origin - 2.0 * (target and not origin)
    return 1.0 * (target and lead in _TOWARD) - 2.0 * (origin and not target and lead in _TOWARD)


def _as_place(
    field: Field_, words: str, span: Span, fields: Sequence[Field_], about: dict[str, Signs]
) -> float:
    lead, name = span.lead, field.name.replace("_", " ")
    origin, target = bool(_ORIGIN.search(f"{name} {words}")), bool(_TARGET.search(f"{name} {words}"))
    from_here = any(_ORIGIN.search(about[f.name].words) for f in fields if f is not field)
    named_too = any(f.type is FieldType.TEXT and _NAMED.search(about[f.name].words) for f in fields)
    city = 0.3 * bool(re.search(r"\b(?:city|town|ciudad)\b", words))
    if _SORT.search(" ".join(span.tail[:1])) or _TITLED.match(span.text):
        return -1.0
    if lead in ("from", "desde"):
        return city + (2.2 if origin else -1.0 if target else 0.5 if from_here else 2.0)
    if lead in _IN:
        return city + 2.2
    if lead in _TOWARD:
        return city + (
            2.2 if target and not origin else -1.0 if origin and not target else 2.0 - 0.8 * (lead == "for")
        )
    if lead in ("at", "of"):
        return 0.8 - city if city or lead == "of" or named_too else 2.0
    return 0.3 if lead not in _CALLED and lead not in ("with", "by", "see") else -0.5


def _as_person(words: str, span: Span) -> float:
    titled = _TITLED.match(span.text) or re.search(r"\b(?:M\.?D|DDS|DMD)\b", span.text)
    owner = "'s" in span.tail or "account" in span.tail
    gets = bool(_RECIPIENT.search(words))
    score = 2.2 * bool(titled) + 1.6 * owner * gets - 2 * (span.lead in _IN)
    if span.lead in _BESIDE:
        return score + 2.0
    if span.lead in ("to", "of", "for"):
        return score + (2.2 if gets else 1.0)
    return score


_BESIDE = frozenset({"with", "see", "con", "by"})
_TITLED = re.compile(r"(?:Dr|Mr|Mrs|Ms|Prof|Doctor|Sr|Sra|Dra|[Uu]ncle|[Aa]unt)\b")
_RECIPIENT = re.compile(r"\b(?:recipient|receiver|payee|beneficiary|destinatario|send|pay|to whom)\b")


def _as_name(field: Field_, lead: str, span: Span, signs: Signs, *, place: bool) -> float:
    said = {s for one in (*span.tail[:1], span.text) for s in stems(one)}
    whose = 1.4 * bool(said & (signs.own | set(stems(field.name))))
    if lead in _CALLED:
        return 2.2 + whose
    if lead in ("at", "with", "by", "visit"):
        return 2.0 + whose
    if lead in _IN or lead in ("from",):
        return (0.5 if place else -1.5) + whose
    return 0.4 + whose


def _sorts(
    heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str, found: list[Found]
) -> Iterator[Found]:
    """ "Chinese food", "a pop music event", "serving Asian": the word before the thing's own name."""
    masked = _without(masked, found)
    spoken_for = frozenset().union(*(one.all for one in signs.values()))
    yes_no = [signs[f.name].own for f in heard.fields if f.type is FieldType.BOOLEAN]
    flags = frozenset().union(*yes_no)
    for f in fields:
        s = signs[f.name]
        if f.type is not FieldType.TEXT or not _SORT.search(s.words) or _PLACE.search(s.words):
            continue
        place = (
            _cuisine(heard.text, masked, s, flags)
            or _before_thing(heard.text, masked, s)
            or (None if f.name in heard.asked else _liked(masked, spoken_for))
        )
        if place:
            start, words, sure = place
            yield Found(f.name, words, sure, words, start)


def _cuisine(text: str, masked: str, signs: Signs, others: frozenset[str]) -> tuple[int, str, float] | None:
    """What food or which language: its names are known."""
    if not _SPOKEN_OR_EATEN.search(signs.words):
        return None
    for m in re.finditer(r"[^\W\d_]+", text):
        free = MASK not in masked[m.start() : m.end()] and not set(stems(m[0])) & others
        if plain(m[0]) in _nations() and free and not negated(text, m.start()):
            return m.start(), m[0], 0.85
    return None


@cache
def _nations() -> frozenset[str]:
    return frozenset(lexicon()["nationalities"].split())


_SPOKEN_OR_EATEN = re.compile(r"\b(?:cuisine|food|language|dish|cocina|comida|idioma)\b")


def _before_thing(text: str, masked: str, signs: Signs) -> tuple[int, str, float] | None:
    for m in _BEFORE_THING.finditer(text):
        things, what = stems(m["thing"]), m["what"].split()
        if MASK in masked[m.start("what") : m.end("what")] or not things or things[0] not in signs.all:
            continue
        said = what[-1:] if plain(what[0]) in openers() | _little() else what
        if plain(said[-1]) not in openers() | _little() and not set(stems(said[-1])) & signs.all:
            words = " ".join(said)
            return m.end("what") - len(words), words, 0.75
    return None


def _liked(masked: str, others: frozenset[str]) -> tuple[int, str, float] | None:
    for m in _LIKES.finditer(masked):
        words = m["what"]
        small = words.islower() and not re.match(r"[.,!?]|$| and\b", masked[m.end() :])
        if not small and plain(words) not in openers() | _little() and not set(stems(words)) & others:
            return m.start("what"), words, 0.65
    return None


_BEFORE_THING = re.compile(
    r"(?=(?<![\w'])(?P<what>[^\W\d_]{3,}(?: [^\W\d_]{3,})?) (?P<thing>[^\W\d_]{3,})\b)"
)
_LIKES = re.compile(
    r"\b(?:serv(?:es|ing|e)|love|prefer|enjoy|craving|into|fan of|i (?:really )?like|maybe|like)"
    r" (?P<what>[^\W\d_]{3,}(?: [A-Z][a-z]+)?)\b(?! (?:event|ride|car|vehicle)s?\b)"
)


@cache
def _little() -> frozenset[str]:
    return frozenset(lexicon()["stop"].split()) | frozenset(lexicon()["plainwords"].split())


def _answers(heard: Heard, asked: list[Field_], signs: dict[str, Signs], masked: str) -> Iterator[Found]:
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
        cut = _TAIL.search(masked[start : m.end()])
        said = masked[start : start + cut.start() if cut else m.end()]
        words = said.strip(" ,:'’\"“”-")
        start += said.find(words)
        size = len(words.split())
        if re.search(r"\w", words) and size <= (4 if words.islower() else 10):
            yield start, words


def _says_something(words: str, spoken_for: frozenset[str]) -> bool:
    said = plain(words)
    if (
        said in openers() | _little()
        or set(stems(words)) <= spoken_for
        or (not stems(words) and not re.search(r"\d", words))
    ):
        return False
    if yes_or_no(words) is not None and len(words.split()) <= 3:
        return False
    return not _VERBS.search(said)


_VERBS = re.compile(
    r"\b(?:i|you|we|it|they|he|she|is|are|was|am|need|want|going|go|looking|attend|see|have|will|would|won't|do"
    r"|does|works?|find|leave|arrive|depart|call|might|reservation"
    r"|pick|reserve|book|get|please|thanks?|okay|correct|tickets?|people|quiero|necesito|voy)\b"
)
