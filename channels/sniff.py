"""What a file really is, whatever it was announced as. Pure."""

import filetype

from domain.errors import BadPayload

_KINDS = ("image/", "audio/", "video/")
_ALSO = frozenset({"application/pdf"})
_TEXT = frozenset({"text/plain", "text/vcard", "text/x-vcard", "text/calendar"})


def kind_of(data: bytes, declared: str) -> str:
    """Its type, by its first bytes; text has none, and is believed when it was announced as text and reads as
    text. Raise BadPayload for what is not taken: programs, archives, pages, pictures that are programs (SVG)."""
    guess = filetype.guess(data)
    if guess is not None:
        kind = str(guess.mime)
        if kind.startswith(_KINDS) or kind in _ALSO:
            return kind
        raise BadPayload("files of this type are not taken", code="bad_type")
    kind = declared.partition(";")[0].strip().lower()
    try:
        if kind in _TEXT and "\0" not in data.decode("utf-8"):
            return kind
    except UnicodeDecodeError:
        pass
    raise BadPayload("files of this type are not taken", code="bad_type")
