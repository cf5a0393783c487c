"""Plain numbers: what is left once dates, times, money and telephones are taken."""

from decimal import Decimal

from domain.entities.base import Kind
from domain.entities.grammar import Match, Row, Scene, group, nothing, row
from domain.entities.money import NUM, SCALES, amount_of


def _number(m: Match, scene: Scene) -> Decimal:
    digits = f"{m['n']}.{m['tail']}" if group(m, "tail") else m["n"]
    value = amount_of(digits) * SCALES.get(group(m, "scale"), 1)
    return -value if m["sign"] else value


_SCALE = r"(?: ?(?P<scale>k|thousand|million|billion)\b)?"
_POINT = r"(?: (?:point|punto|coma) (?P<tail>\d{1,6}))?"
_STREET = (
    r"(?:street|st|avenue|ave|road|rd|drive|dr|boulevard|blvd|lane|ln|way|court|ct|place|highway|hwy|parkway)"
)
_FREE = r"(?:(?:^|(?<= ))(?P<sign>-|minus )|(?<![\w.,:/$€£#-]))"
ROWS: tuple[Row, ...] = (
    nothing(rf"(?<![\w.,])\d{{1,6}}(?: [a-z]+\.?){{1,4}}? {_STREET}\b"),  # 2508 Santa Clara Avenue
    row(
        Kind.NUMBER,
        rf"{_FREE}(?P<n>{NUM}){_POINT}{_SCALE}(?![\w:/]|[.,]\d| ?%|-\d)",
        _number,
    ),  # 22
)
