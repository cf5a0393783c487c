"""What an adviser's machine may not say: what to do with money, and what it will be worth.

Advisers Act section 206 and FINRA 2210: no recommendation without a suitability review, no promise, no forecast. Wide
on purpose: a reply that is caught for nothing costs a person's glance.
"""

import re

_GIVES = re.compile(
    r"\b(?:you|we|i)(?:'d| would| should| could| might| must|'ll)? (?:should|recommend|advise|suggest|want to)?"
    r" ?(?:strongly )?(?:you )?(?:to )?(?:buy|sell|hold on|short|rebalance|diversify|invest in|get out of)(?:ing)?\b"
    r"|\b(?:we|i) (?:strongly )?(?:recommend|advise|suggest) (?:that you )?(?:buy|sell|hold|invest|mov|keep|stay)\w*"
    r"|\b(?:is|are|looks like|it'?s) an? (?:good|great|safe|smart|wise|bad) (?:time|moment|idea|investment|buy)\b"
    r"|\b(?:guaranteed?|risk[- ]free|sure|certain) (?:return|profit|gain|income|investment)s?\b"
    r"|\b(?:price|stock|market|fund|shares?|bitcoin|it|they) (?:will|is going to|are going to)"
    r" (?:go up|go down|rise|fall|double|recover|crash|grow|outperform)\b"
    r"|\b(?:le|les|te) (?:recomiendo|aconsejo|conviene) |\bdeber[ií]a (?:comprar|vender|invertir)\b"
    r"|\b(?:va|van) a (?:subir|bajar)\b|\b(?:ganancia|rendimiento)s? (?:garantizad|segur)[oa]s?\b",
    re.IGNORECASE,
)


def gives(text: str) -> bool:
    return bool(_GIVES.search(text))
