"""What a file really is, whatever it was announced as, and whether such files are taken: for every channel. Pure."""

import filetype

from domain.errors import BadPayload

_KINDS = ("image/", "audio/", "video/")
_ALSO = frozenset({"application/pdf"})
_TEXT = frozenset({"text/plain", "text/vcard", "text/x-vcard", "text/calendar"})


class NotTaken(BadPayload):
    """`kind` is what its first bytes say; "unknown" when they say nothing."""

    code = "bad_type"

    def __init__(self, kind: str) -> None:
        super().__init__("files of this type are not taken")
        self.kind = kind


def kind_of(data: bytes, declared: str) -> str:
    """Its type, by its first bytes; text has none, and is believed when it was announced as text and reads as
    text. Raise NotTaken for programs, archives, pages, pictures that are programs (SVG)."""
    guess = filetype.guess(data)
    if guess is None:
        return _text(data, declared.partition(";")[0].strip().lower())
    kind = str(guess.mime)
    if kind.startswith(_KINDS) or kind in _ALSO:
        return kind
    raise NotTaken(kind)


def _text(data: bytes, kind: str) -> str:
    try:
        if kind in _TEXT and "\0" not in data.decode("utf-8"):
            return kind
    except UnicodeDecodeError:
        pass
    raise NotTaken("unknown")
