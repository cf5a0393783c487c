"""Options that are named, by their own words, their synonyms, or as people name such things."""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from dialogue.extract.cues import Signs, after, before, fit, lexicon
from dialogue.extract.heard import Found, Heard, How
from dialogue.extract.polarity import corrects, negated
from domain.fields import Field_, FieldType
from domain.fields.options import Mention, apart, mentions, plain, singular, tokens

BY_MEANING = 0.8
"""How sure "football" is to mean sports."""
CHOICES = frozenset({FieldType.CHOICE, FieldType.MULTI_CHOICE, FieldType.TAGS})
_FROM = re.compile(r"\b(?:from|out of|using|use|my|with|de|desde|mi)\b(?:\W+\w+){0,2}\W*$", re.I)
_TO = re.compile(
    r"\b(?:to|into|in|their|his|her|someone'?s|somebody'?s|[A-Z]\w+'?s?|a|para|su)\b(?:\W+\w+){0,2}\W*$"
)
_TARGET = re.compile(r"\b(?:to|recipient|receiver|destination|payee|target|other)\b")


def read(heard: Heard, signs: dict[str, Signs]) -> list[Found]:
    fields = [f for f in heard.fields if f.type in CHOICES and f.options]
    scored: list[tuple[float, int, Field_, Mention]] = []
    for f in fields:
        rivals = [other for other in fields if other is not f and set(other.options) & set(f.options)]
        wanted = [m for m in _named(heard, f) if not negated(heard.text, m.start)]
        scored += [(_score(heard, signs[f.name], f, m, bool(rivals)), -m.start, f, m) for m in wanted]
    return list(_chosen(heard, scored))


def _chosen(heard: Heard, scored: list[tuple[float, int, Field_, Mention]]) -> Iterator[Found]:
    """Of a multi_choice all that are named; of a choice the best; no words serve two fields."""
    taken: dict[tuple[int, int], str] = {}
    by_field: dict[str, list[tuple[float, Mention]]] = {}
    types = {f.name: f for _, _, f, _ in scored}
    for score, _, f, m in sorted(scored, key=lambda one: one[:2], reverse=True):
        span = (m.start, m.end)
        if score < 0 or (taken.get(span, f.name) != f.name):
            continue
        taken[span] = f.name
        by_field.setdefault(f.name, []).append((score, m))
    for name, named in by_field.items():
        yield from _found(types[name], named, heard)


def _found(field: Field_, named: list[tuple[float, Mention]], heard: Heard) -> Iterator[Found]:
    if field.type is FieldType.CHOICE:
        several = len({m.option for _, m in named}) > 1
        m = (
            max((m for _, m in named), key=lambda m: m.start)
            if several and corrects(heard.text)
            else named[0][1]
        )
        sure = round(m.sureness * (0.7 if several else 1), 2)
        how = How.MEANT if m.sureness <= BY_MEANING else How.SAID
        yield Found(field.name, m.option, sure, heard.text[m.start : m.end], m.start, how)
    else:
        said = {m.option for _, m in named}
        first = min((m for _, m in named), key=lambda m: m.start)
        value = [option for option in field.options if option in said]
        yield Found(
            field.name,
            value,
            min(m.sureness for _, m in named),
            heard.text[first.start : first.end],
            first.start,
        )


def _named(heard: Heard, field: Field_) -> list[Mention]:
    found = mentions(heard.text, field)
    return found or apart(list(_as_people_say(heard.text, field)))


def _as_people_say(text: str, field: Field_) -> Iterator[Mention]:
    """By a word of the same step of a scale, or of a kind: only where it can mean one option."""
    means = _meanings(field.options)
    for token in tokens(text):
        option = means.get(token.word)
        if option and not _KNOWN.search(text[: token.start]):
            yield Mention(option, token.start, token.end, BY_MEANING)


_KNOWN = re.compile(r"\b(?:the|that|this|those|these|el|la|ese|esa) $", re.IGNORECASE)
""" "Tickets to that concert": one that was spoken of before, not a kind that is wished for."""


@lru_cache(maxsize=500)
def _meanings(options: tuple[str, ...]) -> Mapping[str, str]:
    means: dict[str, set[str]] = {}
    for option in options:
        words = {singular(word) for word in re.findall(r"[a-z]+", plain(option))}
        for steps in _scales():
            for step in steps:
                if words & step:
                    for word in step:
                        means.setdefault(word, set()).add(option)
        for kind, members in _kinds().items():
            if kind in words:
                for word in members:
                    means.setdefault(word, set()).add(option)
    meant = {word: _only(word, found) for word, found in means.items()}
    return {word: option for word, option in meant.items() if option}


def _only(word: str, options: set[str]) -> str | None:
    """The option a word means. Of "expensive" and "very expensive", "lavish" is the second and "costly" the first."""
    if len(options) == 1:
        return next(iter(options))
    strong = {option for option in options if set(plain(option).split()) & set(lexicon()["strong"].split())}
    fitting = strong if word in _utmost() else options - strong
    return next(iter(fitting)) if len(fitting) == 1 else None


@cache
def _utmost() -> frozenset[str]:
    return frozenset(singular(word) for word in lexicon()["utmost"].split())


@cache
def _scales() -> tuple[tuple[frozenset[str], ...], ...]:
    return tuple(
        tuple(frozenset(singular(word) for word in step.split()) for step in scale)
        for scale in lexicon()["scales"]
    )


@cache
def _kinds() -> Mapping[str, frozenset[str]]:
    kinds: Mapping[str, str] = lexicon()["kinds"]
    return {
        singular(kind): frozenset(singular(word) for word in members.split())
        for kind, members in kinds.items()
    }


def _score(heard: Heard, signs: Signs, field: Field_, m: Mention, rivals: bool) -> float:
    score = m.sureness + 3 * (field.name in heard.asked)
    if not rivals:
        return score
    left, right = before(heard.text, m.start, 40), after(heard.text, m.end, 30)
    target = bool(_TARGET.search(signs.words))
    score += fit(signs, left) + 0.5 * fit(signs, right)
    score += 1.5 * bool(target and _TO.search(left)) + 1.5 * bool(not target and _FROM.search(left))
    return score
