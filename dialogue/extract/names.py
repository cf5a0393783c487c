"""Names: the customer's own, those that are given to a thing, and those that our last message offered."""

import re
from collections.abc import Iterator

from dialogue.extract.about import NAMED, PERSON, TAIL, is_own
from dialogue.extract.cues import Signs, stems
from dialogue.extract.heard import Found, Heard
from dialogue.extract.polarity import asks_about
from dialogue.extract.spans import openers, spans
from domain.entities import Kind
from domain.fields import Field_, FieldType
from domain.fields.options import plain


def titled(heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str) -> Iterator[Found]:
    """ "Name the event Movie at Century 16", "title it doctor appointment": all words up to a pause, also small."""
    for f in fields:
        s = signs[f.name]
        if f.type is not FieldType.TEXT or not NAMED.search(s.words) or PERSON.search(s.words):
            continue
        for m in _TITLE.finditer(masked):
            called = m[0].lower().startswith(("called", "named", "titled"))
            about = set(stems(m["about"] or (_last_word(masked[: m.start()]) if called else "")))
            if about - s.all or not (about or f.name in heard.asked or re.search(r"\btitle\b", s.words)):
                continue
            cut = TAIL.search(m["what"])
            words = (m["what"][: cut.start()] if cut else m["what"]).rstrip(" ,'’\"-.!?")
            if words and len(words.split()) <= 8 and plain(words) not in openers():
                yield Found(f.name, words, 0.85, words, m.start("what"))
                break


def _last_word(text: str) -> str:
    return text.split()[-1] if text.split() else ""


_TITLE = re.compile(
    r"\b(?:(?:name|title|call|label|save|list|put)\w{0,2} (?:it|the (?P<about>\w+)|that|this)(?: (?:as|under|to))?"
    r"|(?:the )?(?:title|name)(?: of (?:the|this) \w+)?(?: is| should be| will be|:)|use the (?:word|name|title)s?"
    r"|under the \w+|(?:called|named|titled|labell?ed))(?: the name)? ['\"“]?(?P<what>[^\W_][^\0.!?;\n]{1,80})",
    re.IGNORECASE,
)


def offered(heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str) -> Iterator[Found]:
    """ "the meze bar is fine": a name that our last message held, in whatever letters. Only where one field could be
    meant."""
    named = [f for f in fields if NAMED.search(signs[f.name].words) and f.type is FieldType.TEXT]
    if len(named) != 1 or not heard.last:
        return
    for span in spans(heard.last, heard.last):
        name = re.sub(r"^[Tt]he ", "", span.text)
        m = re.search(rf"\b(?:[Tt]he )?{re.escape(name)}\b", masked, re.I) if len(name) > 3 else None
        if m and not set(stems(name)) <= signs[named[0].name].all and not asks_about(heard.text, m.start()):
            yield Found(named[0].name, m[0], 0.8, m[0], m.start())
            return


def own_name(heard: Heard, fields: list[Field_], signs: dict[str, Signs]) -> Iterator[Found]:
    """ "I'm Ann Lee", "a booking under Ann Lee": the customer's name, whole or in its parts; nobody else's."""
    told = next(((str(e.value), e.text, e.start) for e in heard.entities if e.kind is Kind.NAME), None)
    under = None if told else _UNDER.search(heard.text)
    told = (under["who"], under["who"], under.start("who")) if under else told
    if told is None:
        return
    whole = False
    for f in fields:
        words = signs[f.name].words
        if _GIVEN.search(words) or _FAMILY.search(words):
            yield from _part_of(f, told, family=bool(_FAMILY.search(words)))
        elif not whole and is_own(f, words):
            whole = True
            yield Found(f.name, told[0], 0.9, told[1], told[2])


def _part_of(field: Field_, told: tuple[str, str, int], *, family: bool) -> Iterator[Found]:
    """The first word of a name, or what comes after it."""
    value, words, start = told
    first, _, rest = words.partition(" ")
    part = rest if family else first
    shown = value.partition(" ")[2 if family else 0]
    if part.strip() and shown:
        yield Found(field.name, shown, 0.85, part, start + words.rindex(part))


_GIVEN = re.compile(r"\b(?:first|given|fore) ?names?\b|\bnombre de pila\b")
_FAMILY = re.compile(r"\b(?:last|family|sur|second) ?names?\b|\bapellidos?\b")
_UNDER = re.compile(
    r"\b(?:[Uu]nder(?: (?:the|my))?(?: \w*name)?(?: of)?,?|in the name of|(?:reservation|booking|table|appointment) for)"
    r" (?P<who>[A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+){1,3})"
)
