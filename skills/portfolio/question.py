"""What about a portfolio is asked: its value, one position, all of them, how it is spread, how it has moved."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from domain.portfolio import Account

_I = re.IGNORECASE
_OURS = re.compile(
    r"\b(?:portfolio|holdings?|positions?|balances?|account value|net worth|asset allocation|allocated|concentrat\w+"
    r"|my (?:shares?|stocks?|funds?|investments?|accounts?|allocation|value|money worth)"
    r"|what (?:do|am) i (?:own|hold\w*|invested)|how much (?:do i have|is my account|am i worth)"
    r"|how much .{0,20}\bdo i (?:own|have|hold)"
    r"|portafolio|cartera|saldo|posiciones|mis (?:acciones|fondos|inversiones|cuentas)|mi (?:cuenta|inversi[oó]n)"
    r"|cu[aá]nto (?:tengo|vale mi|hay en mi))\b",
    _I,
)
_ADVICE = re.compile(
    r"\b(?:should (?:i|we)|shall i|would you|do you (?:think|recommend|advise)|is it (?:smart|wise|a good)"
    r"|good (?:time|idea|investment)|what (?:should|would)|recommend\w*|advi[cs]e|better (?:to|off)"
    r"|worth (?:buying|selling|keeping)|deber[ií]a|conviene|recomienda\w*|aconseja\w*|buena (?:idea|inversi[oó]n)"
    r"|buy|sell|trade|comprar?|compre|vend(?:er|a|e))\b",
    _I,
)
_MOVES = re.compile(
    r"\b(?:transfer\w*|withdraw\w*|wire|deposit\w*|send|move (?:\S+ )?(?:money|\$|[0-9])|retir\w*|env[ií]\w*)\b",
    _I,
)
_SERVICE = re.compile(
    r"\b(?:fees?|charg\w+|commissions?|comisi[oó]n\w*"
    r"|(?:clos|open|insur|protect|cancel)\w* (?:\w+ ){0,2}accounts?|accounts? (?:\w+ ){0,2}(?:insured|protected|safe)"
    r"|(?:cerrar|abrir) (?:mi|una|la) cuenta)\b",
    _I,
)
"""What the firm does and takes for it: its documents say so to anybody."""
_ALL = re.compile(
    r"\b(?:positions?|holdings?|what (?:do|am) i (?:own|hold\w*|invested)|posiciones|qu[eé] (?:tengo|acciones))\b",
    _I,
)
_SPREAD = re.compile(
    r"\b(?:allocat\w*|spread|split|mix|diversif\w*|how much (?:is )?in (?:stocks?|bonds?|cash|funds?|crypto)"
    r"|repart\w*|distribu\w*|asignaci[oó]n)\b",
    _I,
)
_LARGE = re.compile(
    r"\b(?:concentrat\w*|biggest|largest|too much in|concentra\w*|mayor(?:es)?|m[aá]s grande)\b", _I
)
_PERIODS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"\b(?:year to date|ytd|this year|since january|este a[nñ]o|desde enero)\b", _I), 0),
    (re.compile(r"\b(?:week|semana)\b", _I), 7),
    (re.compile(r"\b(?:quarter|three months|3 months|trimestre)\b", _I), 91),
    (re.compile(r"\b(?:month|mes)\b", _I), 30),
    (re.compile(r"\b(?:year|twelve months|12 months|a[nñ]o)\b", _I), 365),
)
_WORD = re.compile(r"[\w.&-]+")
_WORDS = (
    "inc corp the and fund etf trust index total class shares company group holdings market stock bond of"
    " account portfolio cash a i my all on it now any so for one see are be or has can"
)
_COMMON = frozenset(_WORDS.split())


@dataclass(frozen=True, slots=True)
class Question:
    """`view`: value, position, positions, allocation, concentration or period."""

    view: str
    symbol: str = ""
    since: date | None = None


def wants(text: str) -> bool:
    """It asks for facts of one's own portfolio; what to do with it, or moving money, is another matter."""
    elsewhere = (_ADVICE, _MOVES, _SERVICE)
    return bool(_OURS.search(text)) and not any(pattern.search(text) for pattern in elsewhere)


def advice(text: str) -> bool:
    return bool(_ADVICE.search(text))


def read(text: str, accounts: Sequence[Account], today: date) -> Question:
    for pattern, days in _PERIODS:
        if pattern.search(text):
            start = date(today.year - 1, 12, 31) if days == 0 else today - timedelta(days=days)
            return Question("period", since=start)
    if _LARGE.search(text):
        return Question("concentration")
    if _SPREAD.search(text):
        return Question("allocation")
    if symbol := named(text, accounts):
        return Question("position", symbol)
    return Question("positions" if _ALL.search(text) else "value")


def named(text: str, accounts: Sequence[Account]) -> str:
    """The position that the words name, by its symbol or by a word of its name; "" for none, or for several."""
    words = {one.upper().strip(".-") for one in _WORD.findall(text)}
    lower = {one.lower().removesuffix("'s") for one in _WORD.findall(text)}
    found = {
        one.symbol
        for account in accounts
        for one in account.positions
        if (one.symbol in words and one.symbol.lower() not in _COMMON)
        or lower & ({word.lower() for word in _WORD.findall(one.name)} - _COMMON)
    }
    return found.pop() if len(found) == 1 else ""
