"""The JSON frames between a visitor's browser and us. Pure: text in, a frame or BadFrame out; and the other way.

    from the browser                                  from us
    {type: auth, token}                   first       {type: ready, last_seq, owner, heartbeat_s}
    {type: message, id, text, attachments?}           {type: ack, id, seq}              it is stored
    {type: ack, seq}                      shown       {type: message, seq, author, text, at, id?, attachments?}
    {type: read, seq}                     looked at   {type: status, owner}             who answers: ai or human
    {type: typing}                                    {type: typing, author}
    {type: ping}                                      {type: pong}
    {type: verify, to}                                {type: verify, state: sent}       whether or not anybody is known
    {type: code, code}                                {type: verified}
                                                      {type: error, code, id?, retry_after?}

`seq` counts what this visitor has been shown: without gaps, over all their conversations. Only message frames
move it; an ack may come before them. Frames may gain fields; unknown ones are passed over, on both sides.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.forms import clean

MAX_TEXT, MAX_FILES = 10_000, 10
MAX_BYTES = 131_072
"""Of one frame: 10,000 emoji escaped as \\ud83d\\ude00 are 120,000."""
HEARTBEAT_S = 25
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_LARGEST_SEQ = 2**53

AUTHORS = {"contact": "visitor", "ai": "assistant", "human": "person", "system": "system"}


class BadFrame(Exception):
    """Not a frame of ours. `code` is stable; `id` is the message's, when it could be read."""

    def __init__(self, code: str, id_: str | None = None) -> None:
        super().__init__(code)
        self.code, self.id = code, id_


@dataclass(frozen=True, slots=True)
class Auth:
    token: str


@dataclass(frozen=True, slots=True)
class Said:
    id: str
    text: str
    files: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything up to `seq` was shown; with `read`, looked at."""

    seq: int
    read: bool


@dataclass(frozen=True, slots=True)
class Typing:
    pass


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class Verify:
    """`to` is a telephone number or e-mail, as it was typed: send a one-time code there."""

    to: str


@dataclass(frozen=True, slots=True)
class Code:
    code: str


Frame = Auth | Said | Seen | Typing | Ping | Verify | Code


def read(text: str) -> Frame:
    """Raise BadFrame: bad_json, bad_frame, too_long, empty."""
    return take(parse(text))


def parse(text: str) -> dict[str, Any]:
    """A JSON object. Raise BadFrame."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame("bad_json") from None
    if not isinstance(data, dict):
        raise BadFrame("bad_frame")
    return data


def take(data: Mapping[str, Any]) -> Frame:
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in _READERS:
        raise BadFrame("bad_frame")
    return _READERS[kind](data)


def _auth(data: Mapping[str, Any]) -> Frame:
    token = data.get("token")
    if not isinstance(token, str):
        raise BadFrame("bad_frame")
    return Auth(token)


def _message(data: Mapping[str, Any]) -> Frame:
    id_, said, files = data.get("id"), data.get("text", ""), data.get("attachments") or []
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        raise BadFrame("bad_frame")
    if not isinstance(said, str) or not isinstance(files, list) or len(files) > MAX_FILES:
        raise BadFrame("bad_frame", id_)
    words = clean(said).strip()
    if len(words) > MAX_TEXT:
        raise BadFrame("too_long", id_)
    if not words and not files:
        raise BadFrame("empty", id_)
    return Said(id_, words, tuple(_uuid(one, id_) for one in files))


def _uuid(value: Any, id_: str) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadFrame("bad_frame", id_) from None


def _seq(data: Mapping[str, Any]) -> int:
    seq = data.get("seq")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq <= _LARGEST_SEQ:
        raise BadFrame("bad_frame")
    return seq


def _verify(data: Mapping[str, Any]) -> Frame:
    to = data.get("to")
    if not isinstance(to, str) or not 3 <= len(to.strip()) <= 254:
        raise BadFrame("bad_frame")
    return Verify(clean(to).strip())


def _code(data: Mapping[str, Any]) -> Frame:
    code = data.get("code")
    plain = re.sub(r"[\s-]", "", code) if isinstance(code, str) else ""
    if not re.fullmatch(r"[0-9]{6}", plain, re.ASCII):
        raise BadFrame("bad_code")
    return Code(plain)


_READERS: dict[str, Callable[[Mapping[str, Any]], Frame]] = {
    "auth": _auth,
    "message": _message,
    "ack": lambda data: Seen(_seq(data), read=False),
    "read": lambda data: Seen(_seq(data), read=True),
    "typing": lambda data: Typing(),
    "ping": lambda data: Ping(),
    "verify": _verify,
    "code": _code,
}


def show(kind: str, **fields: Any) -> str:
    """A frame of ours; fields that are None are left out."""
    said = {"type": kind} | {name: value for name, value in fields.items() if value is not None}
    return write(said)


def write(frame: Mapping[str, Any]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
