"""E-mail addresses, typed ("Ann@Example.com") or spoken ("ann dot lee at example dot com")."""

from domain.entities.base import Kind
from domain.entities.grammar import Match, Row, Scene, row

_DOMAINS = "com|org|net|edu|gov|io|co|us|uk|es|mx|de|fr|biz|info"


def _typed(m: Match, scene: Scene) -> str | None:
    local = m["local"]
    return None if ".." in local or local.startswith(".") else m[0]


def _spoken(m: Match, scene: Scene) -> str:
    words = {" dot ": ".", " punto ": ".", " at ": "@", " arroba ": "@", " underscore ": "_", " dash ": "-"}
    said = m[0]
    for word, sign in words.items():
        said = said.replace(word, sign)
    return said


ROWS: tuple[Row, ...] = (
    row(
        Kind.EMAIL,
        r"(?<![a-z0-9.!#$%&'*+/=?^_`{|}~-])(?P<local>[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@"
        r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,5}[a-z]{2,24}\b",
        _typed,
    ),  # ann@example.com
    row(
        Kind.EMAIL,
        rf"\b[a-z0-9]{{1,30}}(?: (?:dot|punto|underscore|dash) [a-z0-9]{{1,30}}){{0,3}} (?:at|arroba) "
        rf"[a-z0-9-]{{1,30}}(?: (?:dot|punto) [a-z0-9-]{{1,30}}){{0,2}} (?:dot|punto) (?:{_DOMAINS})\b",
        _spoken,
    ),  # ann dot lee at example dot com
    row(
        Kind.EMAIL,
        r"(?:^|\b(?:e-?mail|mail|address|correo)(?: address)?(?: is|'s|:| es)? )"
        r"(?P<x>(?P<local>[a-z0-9.+_-]{1,64}) (?:at|arroba) (?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24})\b",
        lambda m, scene: m["x"].replace(" at ", "@").replace(" arroba ", "@"),
    ),  # my email is ann at example.com
)
