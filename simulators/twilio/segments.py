"""How many SMS segments a text takes."""

from __future__ import annotations

# GSM 03.38 basic set; the extension characters cost two septets each.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")


def count(text: str) -> int:
    """GSM-7: 160 or 153 septets each; else UCS-2: 70 or 67 UTF-16 units. An empty text is one."""
    if all(char in BASIC or char in EXTENDED for char in text):
        return _parts(sum(2 if char in EXTENDED else 1 for char in text), 160, 153)
    return _parts(len(text.encode("utf-16-le", "surrogatepass")) // 2, 70, 67)


def _parts(units: int, alone: int, joined: int) -> int:
    return 1 if units <= alone else -(-units // joined)
