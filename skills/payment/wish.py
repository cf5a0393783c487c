"""What a message wants of a payment, by its own words, in English and Spanish. How much is never read from it."""

import re
from collections.abc import Sequence

from domain.payment import PaymentItem

_LINK = (
    r"(?:payment|pay|checkout|invoice|stripe) ?(?:link|page|url|request)s?"
    r"|(?:enlace|link|liga|p[aá]gina) (?:de|para el|para) pago"
    r"|(?:enlace|link|liga|p[aá]gina) para pagar"
)


def _any(*said: str) -> re.Pattern[str]:
    """One of these, as whole words."""
    return re.compile(rf"\b(?:{'|'.join(said)})\b", re.IGNORECASE)


_NEAR = r"[^.?!]{0,30}"
_REFUND = _any(
    rf"(?:want|need|get|give|like|request|issue|demand){_NEAR}(?:refund|money back)",
    r"refund (?:me|us|my|please)",
    r"my money back",
    rf"(?:quiero|necesito|exijo|pido){_NEAR}(?:reembols\w+|devoluci[oó]n)",
    r"devu[eé]lva(?:n|me|nme)\w*|(?:que )?me (?:devuelv\w+|reembols\w+)|mi dinero de vuelta",
)
_STATUS = _any(
    rf"(?:did|has|have|is|was)\b{_NEAR}\bpayments?\b{_NEAR}\b(?:go|gone|went|get|got|through|received|arrived?|come|came"
    r"|work(?:ed)?|ok(?:ay)?|done|completed?|clear(?:ed)?|post(?:ed)?|processed|successful)",
    rf"(?:did|have|has) (?:you|y'?all|u)\b{_NEAR}\b(?:get|got|received?|see|seen)\b{_NEAR}\bpayments?",
    r"(?:status|state) of (?:my|the|our) payment",
    r"payment (?:status|confirmation|went through)",
    r"(?:i|we)(?:'ve| have)?(?: just| already| both)? paid",
    r"(?:already|just) paid|paid (?:it|already|online|yesterday|now)",
    rf"(?:lleg[oó]|pas[oó]|entr[oó]|recibi\w+|se hizo|sali[oó])\b{_NEAR}\bpago",
    r"estado (?:de mi|del) pago|(?:mi|el) pago (?:lleg[oó]|pas[oó]|entr[oó]|se hizo|fue)",
    r"(?:ya )?(?:he )?pagu[eé]|acabo de pagar|ya (?:est[aá] )?pagado|ya pagamos|hice el pago",
)
_STOP = _any(
    r"(?:cancel\w*|stop|drop|forget|void|call off|remove|anula\w*|elimina\w*|olvid\w+)\b"
    rf"{_NEAR}(?:\bpayments?|\bpago|{_LINK})",
    r"(?:don'?t|do not|no longer|not) (?:want|need|going) (?:to )?pay",
    r"won'?t (?:be )?pay\w*|(?:ya )?no (?:quiero|voy a) pagar",
)
_HOW = r"(?! (?:with|by|in|using|cash|at|monthly|later|less|more|con|en efectivo)\b)"
"""Which ways of paying are taken, the documents say."""
_PAY = _any(
    _LINK,
    r"(?:want|like|need|ready|able|going|love|prefer|happy|let me|lemme|(?:can|could|may|how do|how can|where do|where can)"
    rf" (?:i|we)|i'?ll|we'?ll) (?:to )?(?:just )?(?:pre-?)?pay\b{_HOW}",
    rf"pay (?:for )?(?:it|this|that|now|online|today|the (?:fee|consult\w*|deposit))\b{_HOW}",
    r"(?:quiero|quisiera|puedo|podr[ií]a|podemos|me gustar[ií]a|necesito|list[oa] para|c[oó]mo|d[oó]nde)"
    rf" (?:puedo |podemos )?pag(?:ar|o)\b{_HOW}",
    rf"pagar (?:la|el|lo|ahora|en l[ií]nea|hoy)\b{_HOW}",
)
_WANT = _any(
    r"want|like|need|get|have|book|schedule|set ?up|arrange|request|interested|sign (?:me )?up|take|buy|order",
    r"quiero|quisiera|necesito|agendar|reservar|programar|pedir|solicitar|gustar[ií]a|interesa|tomar|comprar",
)
_ASKS = _any(
    r"how much|how long|prices?|costs?|what(?:'s| is| are| does)|which|why|free|include\w*|do you (?:take|accept)",
    r"cu[aá]nto|precio|cuesta|qu[eé] (?:es|incluye)|gratis|aceptan",
)
_OTHER = _any(
    r"bills?|balance|rent|copay|tuition|fine|premium|tax(?:es)?|mortgage|factura|saldo|renta|multa|impuestos"
)
"""What somebody may want to pay that is nothing of ours."""
_AGAIN = _any(
    rf"(?:re-?send|send|text|forward|share|give|get|got|have|need|want|lost|deleted?|find|see|receive[d]?|where(?:'s| is))\b"
    rf"{_NEAR}\b(?:link|url)s?",
    r"(?:link|url)s? (?:again|once more)",
    r"(?:re-?env[ií]\w+|env[ií]\w+|m[aá]nd\w+|p[aá]s[ae]\w*|d[eé]me|perd[ií]|borr[eé]|encuentr\w+|lleg[oó]|recib[ií]\w*"
    rf"|tengo|d[oó]nde est[aá])\b{_NEAR}\b(?:enlace|link|liga)s?",
    r"(?:enlace|link|liga) (?:otra vez|de nuevo)",
)
"""A link that we have sent, wanted again."""
_MORE = _any(r"another|second|one more|additional|otr[ao]|m[aá]s|segund[ao]")
_NAMES_LINK = _any(_LINK)
LONGEST = 600
"""Characters that are looked at: longer ones are a story, and a person's."""


def goal(text: str, items: Sequence[PaymentItem], booked: Sequence[str] = ()) -> str | None:
    """refund, cancel, status, pay; None for nothing of these. Who wants something that is `booked` here books it."""
    text = text[:LONGEST]
    if _REFUND.search(text):
        return "refund"
    if _STOP.search(text):
        return "cancel"
    if _STATUS.search(text):
        return "status"
    if _ASKS.search(text) and not _NAMES_LINK.search(text):
        return None
    wanted = item(text, items)
    if _PAY.search(text):
        return None if wanted is None and _OTHER.search(text) else "pay"
    if wanted is None or wanted.when != "asked" or any(_says(text, one) for one in booked):
        return None
    return "pay" if _WANT.search(text) else None


def item(text: str, items: Sequence[PaymentItem]) -> PaymentItem | None:
    """The one that is named; the one with the longer name where one holds the other."""
    found = [(len(words), one) for one in items for words in _names(one) if _says(text, words)]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def again(text: str) -> bool:
    """The link once more; which one, what was said before tells."""
    return bool(_AGAIN.search(text[:LONGEST]))


def more(text: str) -> bool:
    """Another one, although the last is paid."""
    return bool(_MORE.search(text))


def _names(one: PaymentItem) -> list[str]:
    return [one.name, *one.label.values(), *one.synonyms]


def _says(text: str, words: str) -> bool:
    parts = r"\W+".join(re.escape(part) for part in re.split(r"[\W_]+", words) if part)
    return bool(parts) and re.search(rf"\b{parts}(?:e?s)?\b", text, re.IGNORECASE) is not None
