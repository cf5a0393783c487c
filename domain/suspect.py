"""Words that are written for a machine that reads along, not for people: in a document nobody says them."""

import re

_MACHINE = r"(?:ai|llm|language model|assistant|model|chat ?bot|bot)"
_TO_A_MACHINE = (
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}\b(?:previous|prior|above|earlier|all|any|your|system)"
    r"\b[^.!?\n]{0,30}\b(?:instruction|prompt|rule|guideline|direction|command|polic|training|context)",
    rf"\b(?:new|updated|hidden|secret|special) (?:system )?instructions? (?:for|to) (?:the )?{_MACHINE}\b",
    rf"\b(?:note|message|instructions?|attention|important) (?:to|for) (?:the |any |all )?{_MACHINE}s?\b",
    rf"\b{_MACHINE}s? ?(?:assistants?|agents?|systems?)?,? (?:reading|processing|parsing|that reads?|who reads?) this\b",
    r"\byou are (?:now|no longer) (?:an?|the|in|bound|dan)\b",
    r"\b(?:reveal|print|output|repeat|show|leak)\b[^.!?\n]{0,30}\bsystem prompt",
    r"\b(?:reveal|print|output|repeat|show|leak)\b[^.!?\n]{0,30}\byour (?:hidden |initial )?(?:prompt|instructions)",
    r"\b(?:pretend|act) (?:to be|as (?:if|though) you)\b[^.!?\n]{0,40}\b(?:no|without|unrestricted|developer|admin|jailbr)",
    r"\bdo not (?:tell|inform|mention (?:this|it) to|reveal (?:this|it) to) (?:the )?"
    r"(?:user|customer|human|owner|business)",
    r"\b(?:developer|dan|jailbreak|god) mode\b",
    r"<\|?(?:im_start|im_end|system|assistant|endoftext)\|?>|\[/?INST\]|<</?SYS>>|^\s*(?:system|assistant)\s*:\s*\S",
    r"\b(?:when|if) (?:a |the )?(?:user|customer|anyone) asks?\b[^.!?\n]{0,60}"
    r"\b(?:always |only )?(?:say|answer|reply|respond|tell them)\b",
    r"\b(?:call|use|invoke|run|execute) the \w+ (?:tool|function)\b",
    r"\b(?:ignora|olvida|descarta)\b[^.!?\n]{0,30}\b(?:instruccion|regla|indicacion|anterior)",
)
_TO_STAFF_TOO = (
    r"\bdisclose\b[^.!?\n]{0,30}\bsystem prompt",
    r"\b(?:debug|admin) mode\b",
    r"\b(?:tell|inform|assure|promise|offer) (?:the |every |each |any |all )?(?:users?|customers?|callers?|patients?|"
    r"clients?|visitors?)\b",
    r"\b(?:answer|reply|respond) (?:only )?with\b",
    r"\bsystem (?:override|message|prompt|instruction)",
    r"\b(?:dile|diga|d[ií]gale|responde|responda) (?:a los|al|a todos los|siempre|solo) ?(?:clientes?|pacientes?|con)?\b",
)
"""What honest documents for staff say as well: no reason to flag one, and nothing to say to a customer."""


def _any(*said: str) -> re.Pattern[str]:
    return re.compile("|".join(said).replace(" ", r"[ \t]+"), re.IGNORECASE | re.MULTILINE)


_FLAGGED, _ORDERS = _any(*_TO_A_MACHINE), _any(*_TO_A_MACHINE, *_TO_STAFF_TOO)
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?]+|\n|$)")


def instructs(text: str) -> str:
    """The words that are not for a customer's ears; "" when there are none."""
    return _around(_ORDERS, text)


def addresses_machine(text: str) -> str:
    """The words that no document for people has; "" when there are none."""
    return _around(_FLAGGED, text)


def _around(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return text[max(0, found.start() - 20) : found.end() + 80] if found else ""


def without_orders(text: str) -> str:
    """The text without the sentences that speak to a machine, and without the one after each, which is what it was
    told to say. Lines stay lines."""
    kept, after = list[str](), False
    for match in _SENTENCE.finditer(text):
        sentence = match[0]
        orders = bool(_ORDERS.search(sentence))
        if not sentence.strip() or not (orders or after):
            kept.append(sentence)
        after = orders or (after and not sentence.strip())
    return "".join(kept)
