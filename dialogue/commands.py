"""What a customer may say to whatever is under way: yes, no, never mind, go back, say that again."""

import re

from domain.skill import Command
from domain.turn import Understanding

LONG = 12
"""More words than this are no bare command."""
_CANCEL = re.compile(
    r"\b(?:never ?mind|forget (?:it|that|about it)|nvm|scratch that|drop it|leave it|stop this|"
    r"cancel (?:this|that|it|everything|the (?:booking|request|order))|don'?t (?:bother|book)|no longer (?:want|need)|"
    r"changed my mind|olv[ií]d(?:alo|a|elo|ese)|d[eé]j(?:alo|elo)|no importa|ya no(?: lo)? quiero|cambi[eé] de opini[oó]n)\b"
    r"|^\W*(?:cancel|abort|quit|exit|cancela(?:r|lo)?)\W*$",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"\b(?:go back|back up|previous (?:step|question)|one step back|undo|start over|volver|regresa|atr[aá]s|"
    r"de nuevo desde)\b|^\W*back\W*$",
    re.IGNORECASE,
)
_REPEAT = re.compile(
    r"\b(?:repeat|say (?:that|it) again|come again|what did you say|what was (?:that|the question)|pardon|"
    r"(?:can|could) you repeat|rep[ií]t(?:e|a|elo|alo)|(?:qu[eé]|c[oó]mo) (?:dijo|dijiste)|otra vez por favor)\b"
    r"|^\W*(?:what|huh|qu[eé]|sorry|eh)\s*\?+\W*$",
    re.IGNORECASE,
)
_YES = re.compile(
    r"^\W*(?:yes|yeah|yep|yup|sure|ok(?:ay)?|please do|go ahead|do it|book it|confirm(?:ed)?|correct|right|perfect|great|"
    r"sounds (?:good|great|perfect|fine)|that works|works for me|let'?s do (?:it|that)|s[ií]|claro|dale|vale|perfecto|"
    r"correcto|de acuerdo|est[aá] bien|por favor|hazlo|h[aá]galo|conf[ií]rm\w*|"
    r"see (?:you|ya|u)|(?:i|we)(?:'ll| will) be there|nos vemos|(?:ah[ií]|all[ií]) estar\w+)\b"
    r"|^\W*c\W*$",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^\W*(?:no|nope|nah|not (?:that|those|these|really|yet)|don'?t|neither|none|wait|hold on|ninguna?|tampoco|espera)\b",
    re.IGNORECASE,
)
_THUMBS = {"👍": True, "👌": True, "✅": True, "🙏": True, "👎": False, "❌": False}
_HEDGED = re.compile(r"\b(?:but|except|instead|only if|unless|pero|salvo|excepto)\b", re.IGNORECASE)


def command(text: str) -> Command | None:
    if len(text.split()) > LONG:
        return None
    for pattern, meaning in ((_CANCEL, Command.CANCEL), (_BACK, Command.BACK), (_REPEAT, Command.REPEAT)):
        if pattern.search(text):
            return meaning
    return None


def affirms(text: str, understood: Understanding) -> bool | None:
    """True for a yes, False for a no, None for neither. "Yes, but at three" is not a yes to what was read back: the
    skill sees that something changed."""
    for sign, meaning in _THUMBS.items():
        if sign in text and len(text.split()) <= LONG:
            return meaning
    if _NO.search(text):
        return False
    if _YES.search(text):
        return True
    intents = {part.intent for part in understood.parts}
    if "deny" in intents:
        return False
    return True if "affirm" in intents else None


def hedged(text: str) -> bool:
    return bool(_HEDGED.search(text))
