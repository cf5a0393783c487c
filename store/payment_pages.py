"""The end of a payment's address here. Nobody who was not given it can write it, and it tells nothing."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from sqlalchemy import text

from store.db import Dispatch, Tx

_WHERE_IS = text("select workspace_id from payment where id = :id")
_MARKED = 8  # bytes


def address(tx: Tx, payment_id: UUID) -> str:
    """The id, and what only we can have made of it: 32 characters."""
    return urlsafe_b64encode(payment_id.bytes + _mark(tx, payment_id)).decode()


def id_in(end: str) -> UUID | None:
    """None for what we never wrote."""
    try:
        raw = urlsafe_b64decode(end)
    except ValueError:
        return None
    return UUID(bytes=raw[:16]) if len(raw) == 16 + _MARKED else None


def is_ours(tx: Tx, payment_id: UUID, end: str) -> bool:
    return hmac.compare_digest(address(tx, payment_id).encode(), end.encode())


async def workspace_of(dispatch: Dispatch, payment_id: UUID) -> UUID | None:
    found: UUID | None = (await dispatch.db.execute(_WHERE_IS, {"id": payment_id})).scalar_one_or_none()
    return found


def _mark(tx: Tx, payment_id: UUID) -> bytes:
    return tx.vault.hash("payment_page", str(payment_id))[:_MARKED]
