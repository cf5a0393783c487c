"""Words that nobody sees, and words that are meant for the assistant instead of the reader."""

import re

_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_FEW = 3
"""A word joiner here and there is a typesetter's; more are somebody's who hides something."""
_OURS = r"(?:ai|llm|language model|assistant|model|chat ?bot|bot)"
_SAID = (
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}\b(?:previous|prior|above|earlier|all|any|your|system)"
    r"\b[^.!?\n]{0,30}\b(?:instruction|prompt|rule|guideline|direction|command|polic|training|context)",
    rf"\b(?:new|updated|hidden|secret|special) (?:system )?instructions? (?:for|to) (?:the )?{_OURS}\b",
    rf"\b(?:note|message|instructions?|attention|important) (?:to|for) (?:the |any |all )?{_OURS}s?\b",
    rf"\b{_OURS}s? ?(?:assistants?|agents?|systems?)?,? (?:reading|processing|parsing|that reads?|who reads?) this\b",
    r"\byou are (?:now|no longer) (?:an?|the|in|bound|dan)\b",
    r"\b(?:reveal|print|output|repeat|show|leak|disclose)\b[^.!?\n]{0,30}\bsystem prompt",
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
_INSTRUCTIONS = re.compile("|".join(_SAID).replace(" ", r"[ \t]+"), re.IGNORECASE | re.MULTILINE)


def unseen(text: str) -> tuple[str, str]:
    """The text without characters that take no room, and what they spelt or were, "" when they were harmless."""
    found = _UNSEEN.findall(text)
    if not found:
        return text, ""
    spelt = "".join(chr(ord(c) - 0xE0000) for run in _TAGS.findall(text) for c in run)
    harmless = not spelt and sum(c != "\u00ad" for c in found) <= _FEW
    shown = spelt or f"{len(found)} characters without width"
    return _UNSEEN.sub("", text), "" if harmless else shown


def instructs(text: str) -> str:
    """The words that speak to the assistant; "" when none do."""
    found = _INSTRUCTIONS.search(text)
    return text[max(0, found.start() - 20) : found.end() + 80] if found else ""
