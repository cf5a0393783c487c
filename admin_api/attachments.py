"""What came along with a message, opened for those who may read it."""

import asyncio
import logging
import mimetypes
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Response

from admin_api.auth import Admitted, Guarded
from domain.errors import Conflict, NotFound
from store import attachments
from store.attachments import Kept

logger = logging.getLogger(__name__)

router = APIRouter(
    prefix="/conversations/{conversation_id}/messages/{message_id}/attachments",
    route_class=Guarded,
    tags=["attachments"],
)

SAFE = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""With the envelope's nosniff: whatever it is, no browser runs it as ours."""
_BYTES = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
_ENDINGS = {"image/jpeg": ".jpg", "audio/mpeg": ".mp3", "audio/ogg": ".ogg", "text/vcard": ".vcf"}


@router.get("/{attachment_id}", response_class=Response, responses={200: _BYTES})
async def one(here: Admitted, conversation_id: UUID, message_id: UUID, attachment_id: UUID) -> Response:
    """The file, of the type that its first bytes say, whatever it was announced as; always to be saved, never shown
    in place. 409 while it is being fetched from the provider, and when it was refused; `details` of the message's
    attachment say which."""
    async with here.transaction() as tx:
        found = await attachments.kept(tx, conversation_id, message_id, attachment_id)
        if found is None:
            raise NotFound("there is no such attachment here")
        if found.state != "stored":
            said = "is not here yet" if found.state == "pending" else f"was not taken: {found.reason}"
            raise Conflict(f"this attachment {said}", code=f"attachment_{found.state}")
        vault = tx.vault
    sealed = await asyncio.to_thread(_read, here.rt.settings.data_dir / str(found.path))
    if sealed is None:
        logger.error("attachment %s: its file is gone", attachment_id)
        raise NotFound("the file of this attachment is gone", code="file_gone")
    data = await asyncio.to_thread(vault.open_bytes, "attachment.file", sealed)
    return Response(data, headers=SAFE | _described(found, attachment_id))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _described(found: Kept, attachment_id: UUID) -> dict[str, str]:
    """Its type and a name to save it by: the sender's own words never come first, and never before a path."""
    kind = found.type or "application/octet-stream"
    if kind.startswith("text/"):
        kind = f"{kind}; charset=utf-8"
    ending = _ENDINGS.get(found.type or "") or mimetypes.guess_extension(found.type or "") or ""
    plain = f"attachment-{attachment_id}{ending}"
    name = quote(_name(found.name) or plain, safe="")
    return {
        "Content-Type": kind,
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{name}",
    }


def _name(said: str | None) -> str:
    """The last part of what the sender called it, without what a file system or an eye is deceived by."""
    last = (said or "").replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable()).strip(". ")[:120]
