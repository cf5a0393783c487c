"""Fetches attachments: only from the provider's hosts, only so much, and believes only what it sees inside."""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import httpx2

from channels import sniff
from channels.base import Fetch
from channels.sniff import NotTaken
from runtime.http import Client
from store import attachments, channels
from store.attachments import Pending
from store.db import Tx
from workers.base import Worker

logger = logging.getLogger(__name__)

LARGEST = 16 * 1024 * 1024  # bytes: above what any carrier or WhatsApp lets through
MOST_REDIRECTS = 3
MAX_ATTEMPTS = 6
LEASE = timedelta(seconds=60)
RETRY_BASE = timedelta(seconds=2)
PATIENCE_S = 50.0
"""For one attachment; an answer that drips keeps within every read timeout. Shorter than the lease."""
Due = tuple[UUID, UUID]
"""(workspace, attachment)"""


class Rejected(Exception):
    """It will not be kept; the message is a code."""


class Later(Exception):
    """It could not be fetched now; the message is a code."""


@dataclass(frozen=True, slots=True)
class Fetched:
    data: bytes
    kind: str


class MediaWorker(Worker[Due]):
    topic = "media"
    at_once = 4

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await attachments.claim(dispatch, limit, LEASE, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, attachment_id = due
        async with self._rt.db.transaction(workspace_id) as tx:
            pending = await attachments.get(tx, attachment_id)
            row = await channels.get(tx, pending.channel_id) if pending else None
        if pending is None or row is None:
            return
        try:
            fetched = look(
                await download(self._rt.http, self._rt.open_channel(row).fetch(), pending.url), pending
            )
        except Rejected as reason:
            async with self._rt.db.transaction(workspace_id) as tx:
                await attachments.rejected(tx, attachment_id, str(reason))
        except Later as reason:
            await self._later(workspace_id, pending, str(reason))
        else:
            await self._keep(workspace_id, attachment_id, fetched)

    async def _later(self, workspace_id: UUID, pending: Pending, reason: str) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            if pending.attempts + 1 >= MAX_ATTEMPTS:
                await attachments.rejected(tx, pending.id, reason)
            else:
                await attachments.later(tx, pending.id, reason, RETRY_BASE)

    async def _keep(self, workspace_id: UUID, attachment_id: UUID, fetched: Fetched) -> None:
        path = Path("files") / str(workspace_id) / str(attachment_id)
        async with self._rt.db.transaction(workspace_id) as tx:
            _write(self._rt.settings.data_dir / path, tx, fetched.data)
            digest = sha256(fetched.data).digest()
            await attachments.stored(tx, attachment_id, fetched.kind, len(fetched.data), digest, str(path))


def _write(path: Path, tx: Tx, data: bytes) -> None:
    """Sealed, like everything personal; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_bytes(tx.vault.seal_bytes("attachment.file", data))
    draft.replace(path)


async def download(http: Client, fetch: Fetch, url: str) -> bytes:
    """The bytes at `url`. Credentials go to the provider's own host only, never along a redirect elsewhere.
    Raise Rejected or Later."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await _fetch(http, fetch, url)
    except TimeoutError:
        raise Later("too_slow") from None


async def _fetch(http: Client, fetch: Fetch, url: str) -> bytes:
    if fetch.named:
        url, digest = _named(await _download(http, fetch, url))
        data = await _download(http, fetch, url)
        if digest and sha256(data).hexdigest() != digest:
            raise Later("wrong_sha256")
        return data
    return await _download(http, fetch, url)


def _named(said: bytes) -> tuple[str, str]:
    """Where the bytes are and their sha256 in hexadecimal, from the provider's description."""
    try:
        described = json.loads(said)
        return str(described["url"]), str(described.get("sha256") or "").lower()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Later("unreadable_description") from None


async def _download(http: Client, fetch: Fetch, url: str) -> bytes:
    for _ in range(MOST_REDIRECTS + 1):
        if not fetch.allows(url):
            raise Rejected("host_not_allowed")
        try:
            async with http.stream(
                "GET", url, auth=fetch.auth_for(url), headers=fetch.headers_for(url)
            ) as reply:
                if reply.is_redirect:
                    url = str(reply.next_request.url) if reply.next_request else ""
                    continue
                return await _body(reply)
        except httpx2.InvalidURL:
            raise Rejected("bad_url") from None
        except httpx2.HTTPError as error:
            raise Later(type(error).__name__) from None
    raise Rejected("too_many_redirects")


async def _body(reply: httpx2.Response) -> bytes:
    if reply.status_code in (404, 410, 401, 403):
        raise Later(f"http_{reply.status_code}")  # a provider's media is sometimes there a moment later
    if not reply.is_success:
        raise Later(f"http_{reply.status_code}")
    data = bytearray()
    async for piece in reply.aiter_bytes():
        data += piece
        if len(data) > LARGEST:
            raise Rejected("too_large")
    return bytes(data)


def look(data: bytes, pending: Pending) -> Fetched:
    """What it really is, whatever it was announced as. Raise Rejected."""
    if not data:
        raise Rejected("empty")
    try:
        return Fetched(data, sniff.kind_of(data, pending.declared_type))
    except NotTaken as error:
        raise Rejected(f"type_{error.kind}") from None
