"""What a message wants of money, read from its own words only: whatever a model takes them for, money does not move by
it."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from domain.entities import Entity, Kind, Money, find_entities
from domain.money import Bank, Brokerage

_I = re.IGNORECASE
_MOVES = re.compile(
    r"\b(?:transfer\w*|withdraw\w*|wire|cash out|deposit(?:s|ing)?|add (?:\S+ ){0,3}(?:money|funds|cash"
    r"|dollars)"
    r"|fund (?:my|the) account|(?:move|send|take|pull|put|get) (?:\S+ ){0,3}(?:money|cash|funds|dollars"
    r"|bucks|\$ ?\d\S*|\d\S*)"
    r"|retir\w+|sac(?:ar|o)|transfer\w*|transfi\w+|deposit\w+|ingres(?:ar|o)"
    r"|env[ií]\w* (?:\S+ ){0,3}(?:dinero|d[oó]lares|\$ ?\d\S*)"
    r"|mov(?:er|iendo) (?:\S+ ){0,3}dinero)(?!\w)",
    _I,
)
_NOT_MONEY = re.compile(
    r"\b(?:transfer (?:me|us|the call|my call|this call)|(?:transfer|send|move) (?:\S+ ){0,3}(?:person"
    r"|human|agent|someone|advisor"
    r"|e-?mail|link|brochure|form|document|statement|appointment|meeting)|transfi[eé]r\w* con"
    r"|p[aá]s[ae]me)\b",
    _I,
)
_ASKS = re.compile(
    r"^\W*(?:how|what|when|why|who|where|which|is there|are there|is it|does|do (?:you|i)|c[oó]mo"
    r"|cu[aá]nto|cu[aá]ndo|qu[eé]"
    r"|por qu[eé]|d[oó]nde|hay|se puede)\b",
    _I,
)
_OUT = re.compile(
    r"\b(?:withdraw\w*|cash out|take (?:\S+ ){0,3}out|pull (?:\S+ ){0,3}out|(?:in)?to (?:my"
    r"|the) (?:\S+ )?(?:bank|checking|savings)"
    r"|from (?:my|the) (?:\S+ )?(?:brokerage|portfolio|investment\w*)|out of (?:my|the)|retir\w+|sac(?:ar|o)"
    r"|(?:a|hacia) (?:mi|el) (?:cuenta (?:de|del) )?banco|a mi cuenta bancaria|money out|to the bank)\b"
    r"|^\W*out\W*$",
    _I,
)
_IN = re.compile(
    r"\b(?:deposit\w*|add (?:\S+ ){0,3}(?:money|funds|cash|dollars)|fund (?:my|the) account|from (?:my"
    r"|the) (?:\S+ )?(?:bank|checking|savings)"
    r"|(?:in)?to (?:my|the) (?:\S+ )?(?:brokerage|portfolio|investment\w*)|ingres(?:ar|o)|desde (?:mi"
    r"|el) banco|de mi banco"
    r"|a mi (?:cuenta de inversi\w+|cartera)|money in)\b|^\W*in\W*$",
    _I,
)
_LINK = re.compile(
    r"\b(?:link|connect|add|verify|set ?up|hook up) (?:\S+ ){0,3}bank\b|\b(?:vincul\w+|conect\w+"
    r"|agreg\w+|a[nñ]ad\w+|enlaz\w+)"
    r" (?:\S+ ){0,3}(?:banco|cuenta bancaria)\b",
    _I,
)
_UNLINK = re.compile(
    r"\b(?:unlink|disconnect|remove|delete|drop) (?:\S+ ){0,3}(?:bank|checking|savings)\b"
    r"|\b(?:desvincul\w+|quit\w+|elimin\w+|borr\w+) (?:\S+ ){0,3}(?:banco|cuenta bancaria)\b",
    _I,
)
_BANKS = re.compile(
    r"\b(?:(?:which|what|my) (?:\S+ )?bank(?: account)?s?\b(?!.*\d).{0,25}\b(?:linked|connected|on file"
    r"|do you have)"
    r"|(?:list|show) (?:\S+ ){0,2}bank(?: account)?s|linked banks?|qu[eé] (?:bancos|cuentas bancarias)"
    r"|mis bancos)\b",
    _I,
)
_STATUS = re.compile(
    r"\b(?:(?:status|state) of (?:\S+ ){0,2}(?:transfer|withdrawal|deposit|order|application)"
    r"|where(?:'s| is) my (?:money|transfer|withdrawal|deposit)|(?:has|did|is) my (?:transfer"
    r"|withdrawal|deposit|money|order)\b"
    r".{0,30}\b(?:arriv\w*|through|there|done|complet\w*|go|filled|pending)|(?:my|list"
    r"|show) (?:\S+ )?(?:transfers|withdrawals|deposits|orders)"
    r"|estado de (?:mi|la) (?:transferencia|retiro|dep[oó]sito)|mis transferencias"
    r"|(?:ha )?llegado? mi (?:dinero|transferencia))\b",
    _I,
)
_STOP = re.compile(
    r"\b(?:cancel|stop|call off|revoke|undo|cancel[ae]r?|anul\w+|det[eé]n\w*) (?:\S+ ){0,3}"
    r"(?:transfer|withdrawal|deposit|order|payment|transferencia|retiro|dep[oó]sito|orden)\b",
    _I,
)
_YES = re.compile(
    r"\W*(?:yes|yes please|yes,? (?:i )?confirm(?:ed)?|yes,? (?:do|send|transfer|move|withdraw"
    r"|deposit) it|yes,? go ahead|i confirm"
    r"|confirm(?:ed)?|go ahead|do it|yes,? that'?s (?:right|correct)|yes,? correct|s[ií]"
    r"|s[ií],? (?:por favor|confirmo|adelante|h[aá]galo)"
    r"|confirmo|adelante)\W*",
    _I,
)
_MASK = re.compile(r"\b(?:ending (?:in|with)|terminad[oa] en|ends in|\.{2,3}|x{2,4})\s*(\d{2,4})\b", _I)
_DIRECTED = re.compile(r"-\s*(?:\$\s*)?\d|\bminus\b|\bmenos\b", _I)


def goal(text: str) -> str | None:
    """cancel, status, unlink, link, banks or transfer; None for nothing of money's."""
    for found, named in (
        (_STOP, "cancel"),
        (_STATUS, "status"),
        (_UNLINK, "unlink"),
        (_LINK, "link"),
        (_BANKS, "banks"),
    ):
        if found.search(text):
            return named
    moves = _MOVES.search(text) and not _NOT_MONEY.search(text) and not _ASKS.search(text)
    return "transfer" if moves else None


def says_yes(text: str) -> bool:
    """These very words and no others: no thumb, no "ok but", nothing that somebody else takes for a yes."""
    said = [line for line in text.splitlines() if line.strip()]
    return bool(said) and all(_YES.fullmatch(line.strip()) for line in said)


def direction(text: str) -> str:
    """in, out, or "" when it says neither, or both."""
    out, in_ = bool(_OUT.search(text)), bool(_IN.search(text))
    return "" if out == in_ else "out" if out else "in"


def amounts(text: str, now: datetime, masks: Sequence[str] = ()) -> list[Money]:
    """Every sum that it names; digits of a bank account are none. A bare number is dollars."""
    bare = _MASK.sub(" ", text)
    for mask in masks:
        bare = re.sub(rf"(?<!\$)\b{re.escape(mask)}\b(?! ?(?:dollars|bucks|usd|d[oó]lares))", " ", bare)
    found: Sequence[Entity] = find_entities(bare, now)
    said = [one.value for one in found if one.kind is Kind.MONEY and isinstance(one.value, Money)]
    if not said and not any(one.kind is Kind.MONEY_RANGE for one in found):
        said = [
            Money(one.value, "USD")
            for one in found
            if one.kind is Kind.NUMBER and isinstance(one.value, Decimal)
        ]
    return list(dict.fromkeys(said)) if not _DIRECTED.search(bare) else []


def bank(text: str, banks: Sequence[Bank]) -> Bank | None:
    """The one that the words name, by its last digits or by its name; None for none, or for several."""
    digits = set(re.findall(r"\b\d{2,4}\b", text))
    words = {word for word in re.findall(r"\w+", text.casefold()) if len(word) > 2} - {
        "bank",
        "the",
        "from",
        "banco",
    }
    found = [one for one in banks if one.mask and one.mask in digits]
    found = found or [one for one in banks if words & set(re.findall(r"\w+", one.name.casefold()))]
    found = found or [one for one in banks if one.type in words]
    return found[0] if len(found) == 1 else None


def account(text: str, accounts: Sequence[Brokerage]) -> Brokerage | None:
    """Likewise of brokerage accounts."""
    digits = set(re.findall(r"\b\d{2,4}\b", text))
    found = [one for one in accounts if one.mask in digits]
    return found[0] if len(found) == 1 else None
