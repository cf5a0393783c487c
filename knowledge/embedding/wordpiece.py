"""Text to the word pieces of BERT, uncased. Source: Devlin et al. 2018, and the vocabulary's own order."""

import unicodedata
from functools import lru_cache
from pathlib import Path

UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
LONGEST_WORD = 100
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


class WordPiece:
    """A control token that a customer types, "[SEP]", is only brackets and letters here."""

    def __init__(self, vocabulary: Path) -> None:
        with vocabulary.open(encoding="utf-8") as lines:
            self._pieces = {line.rstrip("\n"): number for number, line in enumerate(lines)}
        self._unknown = self._pieces[UNKNOWN]
        self._ends = self._pieces[START], self._pieces[END]
        self._cut = lru_cache(maxsize=50_000)(self._of_word)

    def ids(self, text: str, longest: int) -> list[int]:
        """At most `longest` numbers, the first and last of which say where the text starts and ends."""
        found: list[int] = []
        for word in words(text[: longest * LONGEST_WORD]):
            found += self._cut(word)
            if len(found) >= longest - 2:
                break
        return [self._ends[0], *found[: longest - 2], self._ends[1]]

    def _of_word(self, word: str) -> list[int]:
        """The longest piece that fits, again and again; a word with a rest that nothing fits is unknown."""
        if len(word) > LONGEST_WORD:
            return [self._unknown]
        pieces, start = list[int](), 0
        while start < len(word):
            ends = range(len(word), start, -1)
            prefix = "##" if start else ""
            end = next((end for end in ends if prefix + word[start:end] in self._pieces), 0)
            if not end:
                return [self._unknown]
            pieces.append(self._pieces[prefix + word[start:end]])
            start = end
        return pieces


def words(text: str) -> list[str]:
    """Lower case, without accents; every punctuation mark and ideograph is a word of its own."""
    seen = "".join(_seen(character) for character in text)
    bare = (c for c in unicodedata.normalize("NFD", seen) if unicodedata.category(c) != "Mn")
    return "".join(_apart(character) for character in "".join(bare).lower()).split()


@lru_cache(maxsize=10_000)
def _seen(character: str) -> str:
    if character in "\t\n\r" or unicodedata.category(character) == "Zs":
        return " "
    unseen = character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs")
    return "" if unseen else character


@lru_cache(maxsize=10_000)
def _apart(character: str) -> str:
    code = ord(character)
    sign = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    alone = sign or unicodedata.category(character)[0] == "P"
    return f" {character} " if alone or any(low <= code <= high for low, high in _IDEOGRAPHS) else character
