"""Files that visitors send: read within a limit, known by their first bytes, kept sealed until a message names them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from channels.forms import clean
from channels.sniff import kind_of
from domain.errors import BadPayload, TooMany
from store import visitors
from store.db import Tx, new_id
from store.visitors import File

LARGEST = 8 * 1024 * 1024
MOST_WAITING, MOST_WAITING_BYTES = 10, 32 * 1024 * 1024
"""What one visitor may have uploaded without sending it."""


@dataclass(frozen=True, slots=True)
class Upload:
    data: bytes = field(repr=False)
    kind: str
    name: str | None = field(repr=False)


async def receive(request: Request) -> Upload:
    """The one file of a multipart body. Raise BadPayload: too_large, bad_form, empty, bad_type."""
    try:
        form = await MultiPartParser(request.headers, _limited(request), max_files=1, max_fields=2).parse()
    except (MultiPartException, KeyError, ValueError):
        raise BadPayload("send one file as multipart/form-data", code="bad_form") from None
    except ClientDisconnect:
        raise BadPayload("the request ended early", code="bad_form") from None
    try:
        found = next((one for _, one in form.multi_items() if isinstance(one, UploadFile)), None)
        if found is None:
            raise BadPayload("send one file as multipart/form-data", code="bad_form")
        data = await found.read()
    finally:
        await form.close()
    if not data:
        raise BadPayload("the file is empty", code="empty")
    if len(data) > LARGEST:
        raise _too_large()
    name = clean(Path((found.filename or "").replace("\\", "/")).name)[:120] or None
    return Upload(data, kind_of(data, found.content_type or ""), name)


async def keep(tx: Tx, data_dir: Path, visitor: str, upload: Upload) -> File:
    """Sealed, like everything personal; whole or not at all. What was uploaded long ago and never sent goes."""
    for gone in await visitors.forget_files(tx, visitor):
        (data_dir / gone).unlink(missing_ok=True)
    count, size = await visitors.waiting_files(tx, visitor)
    if count >= MOST_WAITING or size + len(upload.data) > MOST_WAITING_BYTES:
        raise TooMany("send the files that you have uploaded first", 60)
    file_id = new_id()
    path = Path("files") / str(tx.workspace_id) / str(file_id)
    sealed = tx.vault.seal_bytes("attachment.file", upload.data)
    await asyncio.to_thread(_write, data_dir / path, sealed)
    digest = sha256(upload.data).digest()
    kept = File(file_id, upload.kind, len(upload.data), digest, str(path), upload.name)
    await visitors.add_file(tx, visitor, kept.id, kept.type, kept.name, kept.size, kept.sha256, kept.path)
    return kept


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST + 10_000:
            raise _too_large()
        yield piece


def _write(path: Path, sealed: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_bytes(sealed)
    draft.replace(path)


def _too_large() -> BadPayload:
    return BadPayload("the file is too large: 8 MB is the most", code="too_large")
