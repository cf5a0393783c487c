"""A burst cut into the things it says: "Hi! do you take Delta? thanks" is three."""

import re
import unicodedata

LONGEST = 2_000
"""Characters of a burst that are read for meaning; nobody's question starts after them."""
MOST = 12
FEW = 6
_WISHES = re.compile(
    r"(?:^|[,;])\W*(?:hi,? |hey,? |hello,? )?(?:(?:can|could|may|might) (?:i|we)"
    r"|(?:can|could|would) you (?:squeeze|fit|get|see|take)"
    r"|podr[ií]a(?:mos)?|puedo|podemos)\b",
    re.IGNORECASE,
)
_ARRANGES = re.compile(
    r"\b(?:i'?d like|i want|i need|i would like|hoping|looking|trying|quisiera|quiero|necesito) (?:to )?(?:\w+ )?"
    r"(?:set up|schedule|book|come (?:in|by)|stop by|get in|meet|agendar|reservar|programar)\b",
    re.IGNORECASE,
)
_FOLLOWS_UP = re.compile(
    r"^\W*(?:(?:and |ok(?:ay)? |y )?(?:what|how) (?:about|abt)|and(?! (?:what|when|where|how|who|why|do|does|is|are|can)\b)"
    r"|y (?:el|la|los|las|para|en|de)\b|qu[eé] tal\b)",
    re.IGNORECASE,
)
_BREAK = re.compile(
    r"(?<=[.!?…])\s+|\s*\n+\s*|(?<=[?!])(?=[^\W\d_])|(?<=\w)\s+(?=¿)"
    r"|,?\s+(?:and|y)\s+(?=(?:how|what|where|when|who|do you|does|are you|can i|can you|is there|cu[aá]nt|qu[eé]|d[oó]nde"
    r"|aceptan|tienen|hay)\b)",
    re.IGNORECASE,
)
_ABBREVIATED = re.compile(r"(?:^|\s)(?:dr|mr|mrs|ms|st|sra?|dra|no|approx|a\.m|p\.m|vs)\.$", re.IGNORECASE)
_HELLO = re.compile(
    r"^\W*((?:hi+|hello+|hey+|howdy|greetings|good\s+(?:morning|afternoon|evening)|hola+|buen(?:os|as)?"
    r"(?:\s+(?:d[ií]as?|tardes|noches))?)(?:\s+(?:there|everyone|all|ava))?)(?:[\s,.!;:–—-]+)(?=\S)",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(?:\s*[,;.!–—-]\s*|\s+)((?:many\s+)?(?:thanks|thank\s+(?:you|u)|thx|ty|(?:muchas\s+|mil\s+)?gracias)"
    r"(?:\s+(?:so\s+much|a\s+lot|in\s+advance))?)\W*$",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^\W*(?:(?:and|but|so|also|y|pero|tambi[eé]n)\s+)?(?:what|whats|when|where|who|whom|which|why|how|do|does|did|is|are|am"
    r"|can|could|will|would|should|may|has|any|qu[eé]|cu[aá]l(?:es)?|cu[aá]ndo|d[oó]nde|qui[eé]n|c[oó]mo"
    r"|por\s+qu[eé]|cu[aá]nt[oa]s?|puedo|pueden|tienen|hay|aceptan|hacen|atienden|es)\b",
    re.IGNORECASE,
)


def split(text: str) -> tuple[str, ...]:
    """The sentences of a burst, pleasantries taken apart from what they surround."""
    parts: list[str] = []
    for piece in _BREAK.split(text[:LONGEST]):
        if parts and _ABBREVIATED.search(parts[-1]):
            parts[-1] = f"{parts[-1]} {piece}"
        elif piece.strip():
            parts.append(piece.strip())
    return tuple(part for piece in parts[:MOST] for part in _unwrap(piece))


def _unwrap(piece: str) -> tuple[str, ...]:
    hello, thanks = _HELLO.match(piece), _THANKS.search(piece)
    start = hello.end() if hello else 0
    end = thanks.start() if thanks and thanks.start() > start else len(piece)
    middle = piece[start:end].strip()
    if len(middle.split()) < 2:
        return (piece,)
    return tuple(
        part for part in (hello and hello[1], middle, thanks and end < len(piece) and thanks[1]) if part
    )


def asks(sentence: str) -> bool:
    """It has the shape of a question, whatever it is about."""
    return "?" in sentence or "¿" in sentence or bool(_ASKS.match(sentence))


def wishes(sentence: str) -> bool:
    """The customer asks to do something: "can I bring it in"."""
    return bool(_WISHES.search(sentence))


def arranges(sentence: str) -> bool:
    """It says so: "I'd like to set up a call"."""
    return bool(_ARRANGES.search(sentence))


def follows_up(sentence: str) -> bool:
    """It asks the question before it again, of something else: "what about saturday", "and whitening?"."""
    return bool(_FOLLOWS_UP.match(sentence)) and len(sentence.split()) <= FEW


def letters(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def normal(text: str) -> str:
    """What the classifier sees: case, stretched letters and figures do not matter; the words do."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    text = re.sub(r"https?://\S+|www\.\S+", " url ", text)
    return re.sub(r"([^\W\d])\1{2,}", r"\1", re.sub(r"\d", "0", text))


def wordless(text: str) -> bool:
    return not any(character.isalnum() for character in text)
