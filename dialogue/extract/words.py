"""Places, names and other open words: by what introduces them, by capital letters, by the question just asked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from dialogue.extract.cues import Signs, before, fit, lexicon, stems
from dialogue.extract.heard import Found, Heard
from dialogue.extract.polarity import negated
from domain.entities import Kind
from domain.fields import Complaint, Field_, FieldType, parse
from domain.fields.boolean import yes_or_no
from domain.fields.options import plain

OPEN = frozenset(
    {FieldType.TEXT, FieldType.LONG_TEXT, FieldType.PERSON_NAME, FieldType.ADDRESS}
)
MASK = "\0"
_MASKED = frozenset(set(Kind) - {Kind.NUMBER, Kind.NAME})

_PLACE = re.compile(
    r"\b(?:city|cities|town|locat\w+|area|region|country|state|neighbou?rhoods?|destination|where|venue|airport|station"
    r"|address|place to|ciudad|zona|lugar|destino|origen|origin|marina|port|pais|ubicacion|direccion)\b"
)
_ORIGIN = re.compile(r"\b(?:from|origin|depart\w*|leav\w+|start\w*|pick.?up|source|desde|origen|salida)\b")
_TARGET = re.compile(r"\b(?:to|destination|arriv\w*|going|drop.?off|toward|travel(?:ing)? to|hacia|destino|llegada)\b")
_PERSON = re.compile(
    r"\b(?:doctor|dentist|stylist|therapist|barber|agent|advisor|adviser|recipient|receiver|payee|contact|person|driver|host"
    r"|owner|artist|actor|actress|director|singer|teacher|lawyer|physician|counselor|provider|instructor|captain|skipper"
    r"|technician|whom|who|persona|medico|destinatario)\b"
)
_OWN = re.compile(r"\b(?:your|customer|client|contact|patient|full|first|last|caller|guest|lead|visitor|buyer|nombre|su)\b")
_NAMED = re.compile(r"\b(?:name|names|title|called|nombre|titulo|label)\b")
_SORT = re.compile(
    r"\b(?:type|kind|genre|category|cuisine|sport|style|breed|brand|make|model|colou?r|flavou?r|specialty|subject|topic|food"
    r"|tipo|genero|marca|modelo|color)\b"
)
_RATED = re.compile(r"\b(?:rating|score|rated|calificacion)\b")
_RATING = re.compile(
    r"\b(?:rat(?:ed|ing|ings)|score[ds]?|stars?|average)\b\D{0,25}?(?P<a>\d(?:\.\d)?)(?![\d:])"
    r"|(?<![\d.:])(?P<b>\d\.\d)(?![\d:])|(?<![\d.:])(?P<c>\d)(?= (?:or (?:higher|above|more|better)|and (?:above|up)|rating\b|plus\b))",
    re.IGNORECASE,
)

_CAP = r"(?:[A-ZÀ-ÞĀ-Ž][\w'’&.-]*|[A-Z]\.)"
_LINK = r"(?:(?:of|the|and|&|de|la|las|los|del|el|du|le|by|vs\.?|versus|von|van|y|on the|at the|in the) ){0,2}"
_NAME = re.compile(rf"(?:(?:The|the) )?(?:\d{{1,4}} )?{_CAP}(?:(?: |, (?=M\.?D|DDS|DMD|PhD|Inc|Jr)){_LINK}(?:{_CAP}|\d{{1,4}}\b!?))*!?")
_STATE = re.compile(r",? (?:[A-Z]{2}\b|[A-Z][a-z]{2,}(?: [A-Z][a-z]+)?(?=[\s.,;!?]|$))")
_STREET = (
    r"(?:street|st|avenue|ave|road|rd|drive|dr|boulevard|blvd|lane|ln|way|court|ct|place|pl|highway|hwy|parkway|pkwy|terrace"
    r"|circle|cir|square|sq|plaza|alley|broadway|real|row|loop|trail|calle|avenida|camino)"
)
_ADDRESS = re.compile(
    rf"(?<![\w$.:/-])\d{{1,6}}[A-Za-z]?(?:-\d+)?,?(?: [\w'.-]+){{1,5}}? {_STREET}\b\.?"
    r"(?:,? (?:suite|ste|apt|apartment|unit|floor|fl|#|no)\.? ?#?\w+|,? #\w+)?"
    rf"(?:,? (?:[A-Z][\w.]+ ?){{1,3}}(?:,? [A-Z]{{2}}\b)?(?:,? \d{{5}}\b)?)?",
    re.IGNORECASE,
)
_STREETISH = re.compile(rf"^\d.*\b{_STREET}\b", re.IGNORECASE)
_LEAD = re.compile(
    r"\b(in|at|to|from|near|around|for|with|by|of|see|visit|visiting|into|towards?|called|named|titled|as|is|located|within"
    r"|outside|like|love|prefer|serving|serves|en|a|desde|hasta|hacia|con|cerca de|por)\b(?: (?:the|a|an|el|la|city of|name|title))*\W{0,2}$",
    re.IGNORECASE,
)
_IN = frozenset({"in", "near", "around", "visit", "visiting", "into", "located", "within", "outside", "en", "cerca de"})
_TOWARD = frozenset({"to", "toward", "towards", "into", "visit", "visiting", "for", "a", "hasta", "hacia"})
_CALLED = frozenset({"called", "named", "titled", "as", "is"})
_PEOPLE = frozenset({"with", "by", "see", "to", "for", "of", "con", "from"})

_CARRIER = re.compile(
    r"^(?:(?:yes|yeah|yep|yup|no|nope|ok|okay|sure|well|um|uh|hi|hey|hello|thanks|thank you|great|good|perfect|alright|please|actually"
    r"|oh|sorry|so|and|but|also|hmm|si|hola|bueno|gracias|por favor|pues)\b[,.! ]*)*"
    r"(?:(?:i|it|that|this|we|you|us|me|let's|lets|can|could|would|will|should|'d|'ll|'m|'s|d|like|want|wanna|need|prefer|love|enjoy"
    r"|make|set|put|use|list|book|find|search|look|looking|get|give|try|go|going|headed|heading|travel|traveling|travelling|fly|flying"
    r"|is|are|be|am|was|would|it's|that's|i'd|i'll|i'm|we're|we'll|we'd|to|for|at|in|from|near|around|on|of|by|with|as|a|an|the|some"
    r"|something|somewhere|anything|any|place|places|called|named|name|title|word|my|preferably|maybe|probably|perhaps|think|how"
    r"|about|what|there|located|interested|into|check|under|just|check out|please|do|have|hoping|thinking"
    r"|quiero|quisiera|necesito|el|la|los|las|un|una|en|de|para|con|es|seria|me|gustaria|busco|voy|vamos|al|se|llama|mi|nombre)\b['’ ,:]*)*",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:[.!?;]\s|[.!?;]$|\n|,? (?:please|pls|thanks|thank you|if possible|instead|for now|por favor|gracias)\b|, (?:and|but|i|we|for|so|on|at|with"
    r"|is|can|could|do|does|what|y)\b| (?:and|but) (?:i|we|it|the|my|on|for|at|please|could|can|would)\b| (?:on|at|for|until|by|from|this|next) \0"
    r"|\0| (?:would|will) be (?:fine|good|great|nice|perfect|ok)| (?:is|sounds|works|looks) (?:fine|good|great|perfect|nice|ok|best)"
    r"|, please| as (?:the|an?|my) \w+(?: \w+)?$| for (?:me|us)\b| (?:when|where|because|since|so that|which|that) )",
    re.IGNORECASE,
)
_DO_NOT_CARE = re.compile(
    r"\b(?:any(?:thing|where|one|time|body)?(?: (?:is|will|would|works|one|of)\b.*)?$|(?:do ?n'?t|not|doesn'?t) (?:care|matter|mind|have (?:a|any) preference)"
    r"|no preferences?|whatever|whichever|up to you|you (?:choose|pick|decide)|me da igual|cualquier\w*|no importa)\b",
    re.IGNORECASE,
)
_NOT_SAID = re.compile(r"\b(?:don'?t know|not sure|no idea|what do you|which ones|no se|i(?:'m| am) not|what are|what else|anything else)\b", re.I)
_QUESTION = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|and|so|but|well|yes|great|sure)[,.! ]+)*(?:what|which|who|where|when|why|how much|how many|how far|how long|do|does|is|are|did|has)\b.*\?",
    re.IGNORECASE,
)


@cache
def _common() -> frozenset[str]:
    return frozenset(lexicon()["openers"].split())


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    start: int
    lead: str
    tail: tuple[str, ...]
    """Stems of the two words after it."""
    address: bool = False


def read(heard: Heard, signs: dict[str, Signs], taken: Sequence[Found]) -> list[Found]:
    fields = [f for f in heard.fields if f.type in OPEN]
    if not fields:
        return []
    masked = _masked(heard, taken)
    found: dict[str, Found] = {}
    for one in (*_own_name(heard, fields, signs), *_ratings(heard, fields, signs)):
        found.setdefault(one.name, one)
    spans = [s for s in _spans(heard.text, masked) if not negated(heard.text, s.start)]
    for one in _dealt(heard, [f for f in fields if f.name not in found], signs, spans):
        found[one.name] = one
    for one in _sorts(heard, [f for f in fields if f.name not in found], signs, masked, list(found.values())):
        found[one.name] = one
    asked = [f for f in fields if f.name in heard.asked and f.name not in found]
    for one in _answers(heard, asked, signs, masked, list(found.values())):
        found[one.name] = one
    return list(found.values())


def _masked(heard: Heard, taken: Sequence[Found]) -> str:
    """The text without what other fields have read; as long as before."""
    chars = list(heard.text)
    spans = [(e.start, e.end) for e in heard.entities if e.kind in _MASKED]
    types = {f.name: f.type for f in heard.fields}
    spans += [(one.start, one.end) for one in taken if types[one.name] is not FieldType.BOOLEAN and one.words != heard.text.strip()]
    for start, end in spans:
        chars[start:end] = MASK * (end - start)
    return "".join(chars)


def _own_name(heard: Heard, fields: list[Field_], signs: dict[str, Signs]) -> Iterator[Found]:
    """ "I'm Ann Lee" is the customer's name, nobody else's."""
    told = [e for e in heard.entities if e.kind is Kind.NAME]
    for f in fields:
        if told and f.type is FieldType.PERSON_NAME and (f.name == "name" or not _PERSON.search(signs[f.name].words) or _OWN.search(signs[f.name].words)):
            yield Found(f.name, str(told[0].value), 0.9, told[0].text, told[0].start)
            return


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


def _spans(text: str, masked: str) -> Iterator[Span]:
    """Addresses, then capitalised words; a message all in capitals has none."""
    rest = masked
    for m in _ADDRESS.finditer(masked):
        words = m[0].rstrip(" ,.")
        yield _span(text, masked, m.start(), m.start() + len(words), address=True)
        rest = rest[: m.start()] + MASK * len(m[0]) + rest[m.end() :]
    if text.isupper():
        return
    for m in _NAME.finditer(rest):
        start, end = _trimmed(rest, m.start(), m.end())
        if start < end:
            yield _span(text, rest, start, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the words that open sentences and everyone writes with a capital."""
    while True:
        m = re.match(r"[\w'’]+[^\w\s]?\s*", text[start:end])
        if m is None or plain(re.sub(r"[^\w'’]", "", m[0])) not in _common():
            break
        start += m.end()
    while True:
        m = re.search(r"(?:^|\s)(\S+)$", text[start:end])
        if m is None or plain(m[1].strip(".,!?'’")) not in _common() | {"and", "the", "of", "&"}:
            break
        end = start + m.start()
    said = text[start:end]
    kept = said.rstrip(" .,'’-") if not re.search(r"\b(?:[A-Z]\.|Inc\.|Jr\.|D\.)$", said) else said
    return start, start + len(kept)


def _span(text: str, masked: str, start: int, end: int, *, address: bool = False) -> Span:
    lead = _LEAD.search(masked[max(0, start - 30) : start])
    right = re.split(r"[.!?;,\n\0]", masked[end : end + 30])[0]
    tail = tuple(re.findall(r"[a-z]+", right.lower())[:2])
    said = masked[start:end]
    if said.endswith(("'s", "’s")):
        end -= 2
        tail = ("'s", *tail)
    return Span(text[start:end], start, lead[1].lower() if lead else "", tail, address)


def _dealt(heard: Heard, fields: list[Field_], signs: dict[str, Signs], spans: list[Span]) -> Iterator[Found]:
    """Each span to the field that it fits best."""
    scored = []
    for n, span in enumerate(spans):
        for m, f in enumerate(fields):
            score = _score(heard, f, signs[f.name], span, fields)
            if score >= 2:
                scored.append((score, -n if f.name not in heard.asked else len(span.text) / 100 - n / 1000, -m, f, span))
    used: set[int] = set()
    named: set[str] = set()
    for score, _, _, f, span in sorted(scored, key=lambda one: one[:3], reverse=True):
        if f.name in named or span.start in used:
            continue
        value = _with_state(heard.text, span) if _PLACE.search(signs[f.name].words) else span.text
        if isinstance(parse(value, f, heard.here), Complaint):
            continue
        used.add(span.start)
        named.add(f.name)
        yield Found(f.name, parse(value, f, heard.here), 0.85 if score >= 3 else 0.75, value, span.start)


def _with_state(text: str, span: Span) -> str:
    """ "Seattle, WA", "London, England"."""
    end = span.start + len(span.text)
    m = _STATE.match(text, end) if not span.address and text[end : end + 1] == "," else None
    if m and plain(m[0].strip(" ,")) not in _common() and m[0].strip(" ,") not in ("I", "I'm"):
        return span.text + m[0]
    return span.text


def _score(heard: Heard, field: Field_, signs: Signs, span: Span, fields: list[Field_]) -> float:
    words, lead = signs.words, span.lead
    score = 2.0 * (field.name in heard.asked)
    place, named, person = _PLACE.search(words), _NAMED.search(words), _PERSON.search(words)
    own = fit(signs, before(heard.text, span.start, 26)) + sum(1 for one in span.tail for s in stems(one) if s in signs.all)
    score += 0.8 * min(own, 2)
    if field.type is FieldType.ADDRESS or (span.address and place):
        score += 3 if span.address else -1
        score += 1.0 * bool("destination" in words or "address" in words)
    elif span.address:
        return -1.0
    if place and not named:
        return score + _as_place(field, words, lead, fields, signs)
    if field.type is FieldType.PERSON_NAME or (person and named):
        return score + _as_person(heard, span, lead)
    if named:
        return score + _as_name(lead, span, signs)
    return score - (lead in _IN) * 1.5


def _as_place(field: Field_, words: str, lead: str, fields: Sequence[Field_], signs: Signs) -> float:
    origin, target = bool(_ORIGIN.search(words)), bool(_TARGET.search(field.name.replace("_", " ") + " " + words))
    if lead in ("from", "desde"):
        return 2.2 if origin else -1.0 if target else 1.0
    if lead in _IN:
        return 2.2
    if lead in _TOWARD:
        return 2.2 if target and not origin else -1.0 if origin and not target else 1.2
    if lead in ("at", "of"):
        return 0.8
    return 0.3 if lead not in _CALLED and lead not in ("with", "by", "see") else -0.5


def _as_person(heard: Heard, span: Span, lead: str) -> float:
    titled = bool(re.match(r"(?:Dr|Mr|Mrs|Ms|Prof|Doctor|Sr|Sra|Dra)\b", span.text) or re.search(r"\b(?:M\.?D|DDS|DMD)\b", span.text))
    owner = "'s" in span.tail or "account" in span.tail
    return 2.5 * titled + 1.6 * (lead in _PEOPLE) + 0.8 * owner + 0.5 * (lead in _CALLED) - 2 * (lead in _IN)


def _as_name(lead: str, span: Span, signs: Signs) -> float:
    if lead in _CALLED:
        return 2.2
    if lead in ("at", "with", "by", "visit"):
        return 2.0
    if lead in _IN or lead in ("from",):
        return -1.5
    return 0.4


def _sorts(heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str, found: list[Found]) -> Iterator[Found]:
    """ "Chinese food", "a pop music event", "serving Asian": the word before the thing's own name."""
    for f in fields:
        s = signs[f.name]
        if f.type is not FieldType.TEXT or not _SORT.search(s.words):
            continue
        for m in _BEFORE_THING.finditer(masked):
            if any(one.start < m.end("what") and m.start("what") < one.end for one in found):
                continue
            things, what = stems(m["thing"]), m["what"].split()
            if not things or things[0] not in s.all or stems(what[-1])[:1] == things[:1]:
                continue
            said = what[-1:] if plain(what[0]) in _common() or plain(what[0]) in _little() else what
            if said and plain(said[-1]) not in _common() | _little() and not set(stems(said[-1])) & s.all:
                words = " ".join(said)
                yield Found(f.name, words, 0.75, words, heard.text.index(words, m.start()))
                break
        else:
            if m2 := _LIKES.search(masked):
                words = m2["what"]
                if plain(words) not in _common() | _little() and not set(stems(words)) & s.all and f.name not in heard.asked:
                    yield Found(f.name, words, 0.65, words, m2.start("what"))


_BEFORE_THING = re.compile(r"(?=(?<![\w'])(?P<what>[^\W\d_]{3,}(?: [^\W\d_]{3,})?) (?P<thing>[^\W\d_]{3,})\b)")
_LIKES = re.compile(r"\b(?:serv(?:es|ing)|i (?:really )?(?:like|love|prefer|enjoy)|like|maybe|craving|into|fan of) (?P<what>[A-Z][a-z]{2,}(?: [A-Z][a-z]+)?)\b(?! (?:event|ride|car|vehicle))")


@cache
def _little() -> frozenset[str]:
    return frozenset(lexicon()["stop"].split()) | frozenset(lexicon()["plainwords"].split())


def _answers(heard: Heard, asked: list[Field_], signs: dict[str, Signs], masked: str, found: list[Found]) -> Iterator[Found]:
    """The answer to our question, without the words that carry it; only where no other reading holds them."""
    if not asked or _DO_NOT_CARE.search(heard.text) or _NOT_SAID.search(heard.text) or _QUESTION.match(heard.text.strip()):
        return
    for one in found:
        masked = masked[: one.start] + MASK * len(one.words) + masked[one.end :]
    for f in asked[:1]:
        answer = _bare_answer(masked, f, signs[f.name])
        if answer is None:
            continue
        start, words = answer
        value = parse(words, f, heard.here)
        if not isinstance(value, Complaint):
            yield Found(f.name, value, 0.75, words, start)


def _bare_answer(masked: str, field: Field_, signs: Signs) -> tuple[int, str] | None:
    for m in re.finditer(r"[^.!?;\n\0]+(?:(?<=\b[A-Z])\.[^.!?;\n\0]*)*", masked):
        carrier = _CARRIER.match(m[0].lstrip())
        offset = m.start() + len(m[0]) - len(m[0].lstrip())
        start = offset + (carrier.end() if carrier else 0)
        rest = masked[start : m.end()]
        cut = _TAIL.search(rest)
        words = (rest[: cut.start()] if cut else rest).rstrip(" ,'’\"-")
        lead = len(words) - len(words.lstrip(" ,'’\"-"))
        words, start = words[lead:], start + lead
        long = 60 if field.type is FieldType.LONG_TEXT else 8
        if not words or len(words.split()) > long or not re.search(r"\w", words):
            continue
        if yes_or_no(words) is not None and len(words.split()) <= 2:
            continue
        if plain(words) in _common() | _little() or set(stems(words)) <= signs.said:
            continue
        return start, words
    return None
