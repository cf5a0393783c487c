"""What a model must not put into the business's mouth, whatever it read: deeds, promises, advice, a human self, other
people's addresses, the words of its own prompt. What the documents say in the same words may be said."""

import re
from collections.abc import Sequence

RUN = 7
"""So many words in a row out of the prompt are no coincidence."""
_CLAIMS: Sequence[tuple[str, re.Pattern[str]]] = (
    (
        "a deed",
        re.compile(
            r"\b(?:(?:i|we)(?:'ve| have| just|'ll| will)*|you(?:'re| are)|(?:is|are|has been|have been|was|were))\s+"
            r"(?:\w+\s+){0,2}?"
            r"(?:booked|scheduled|rescheduled|cancell?ed|confirmed|reserved|refunded|charged|transferred|wired|sent|"
            r"emailed|e-mailed|called|paid|credited|waived|approved|updated|deleted|signed up|unsubscribed|"
            r"processed|ordered|bought|sold|arranged|upgraded|unlocked|enabled|granted)\b"
            r"|\b(?:hemos|he|est[aá]|ha sido|queda|quedan?)\s+(?:\w+\s+){0,2}?(?:reservad|cancelad|confirmad|"
            r"reembolsad|cobrad|transferid|enviad|pagad|aprobad|actualizad|borrad|agendad)[oa]s?\b",
            re.IGNORECASE,
        ),
    ),
    (
        "a promise",
        re.compile(
            r"\b(?:guarantee[ds]?|guaranteed|(?:i|we) (?:hereby )?(?:promise|swear|commit|assure)|rest assured|"
            r"no matter what|risk[- ]free|legally binding|binding offer|we owe you|"
            r"you (?:will|'ll) (?:definitely|certainly|surely)|"
            r"garantizamos|garantizad[oa]s?|prometemos|le aseguro|sin riesgo)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "advice",
        re.compile(
            r"\b(?:you should|i (?:would )?(?:recommend|suggest|advise)|we (?:recommend|suggest|advise)|my advice|"
            r"(?:now is|it(?:'s| is)) (?:a|the) (?:good|great|best|perfect|right) time to|"
            r"(?:buy|sell|invest in|short) (?:the |this |that )?(?:stocks?|shares?|crypto|bitcoin|it now)|"
            r"take (?:\w+ )?(?:mg|pills?|tablets?|ibuprofen|aspirin|antibiotics?)|stop taking|don't take|"
            r"deber[ií]a (?:comprar|vender|invertir|tomar|dejar)|le recomiendo|le aconsejo)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "being human",
        re.compile(
            r"\b(?:i(?:'m| am) (?:a |an )?(?:real )?(?:human|person|not a (?:bot|robot|machine|ai))|"
            r"soy (?:una persona|humano|humana)|no soy un (?:robot|bot))\b",
            re.IGNORECASE,
        ),
    ),
    (
        "a request for secrets",
        re.compile(
            r"\b(?:(?:send|text|tell|give|share|reply with|confirm|verify|provide)\b[^.?!]{0,40}\b(?:password|pin|passcode|"
            r"security code|cvv|ssn|social security|card number|account number|one[- ]time code|verification code)|"
            r"(?:env[ií]e|mande|d[ií]game|confirme)\b[^.?!]{0,40}\b(?:contrase[ñn]a|clave|pin|c[oó]digo|tarjeta))\b",
            re.IGNORECASE,
        ),
    ),
    (
        "markup",
        re.compile(r"<[a-z/!][^>]*>|!?\[[^\]]*\]\([^)]*\)|```|^#{1,6} |\*\*", re.IGNORECASE | re.MULTILINE),
    ),
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HANDLE = re.compile(r"(?<![\w@.])@\w{3,}")


def complaints(text: str, trusted: str, prompt: str = "") -> list[str]:
    """`trusted` is what may be repeated word for word; `prompt` what may not."""
    known = _folded(trusted)
    found = [
        f"it claims {name}: {match[0]!r}"
        for name, pattern in _CLAIMS
        for match in pattern.finditer(text)
        if _folded(match[0]) not in known
    ]
    found += [
        f"nothing supports {match[0]!r}"
        for pattern in (_EMAIL, _HANDLE)
        for match in pattern.finditer(text)
        if match[0].casefold() not in known
    ]
    return found + (["it repeats its instructions"] if repeats(text, prompt, known) else [])


def repeats(text: str, source: str, known: str, run: int = RUN) -> bool:
    """So many words in a row of the source are said that are not in what is known."""
    said = _words(text)
    ours, trusted = (f" {' '.join(_words(one))} " for one in (source, known))
    runs = (f" {' '.join(said[at : at + run])} " for at in range(len(said) - run + 1))
    return any(one in ours and one not in trusted for one in runs)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())
