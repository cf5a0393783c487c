"""Who waits for a time, in the order in which they began to."""

from sqlalchemy import text

from store.db import Tx

_WAKE = text("update waitlist set next_check_at = frontdesk_now() where state = 'waiting'")


async def wake(tx: Tx) -> None:
    """Something may have become free. Appointments say so themselves (migration 0021)."""
    await tx.execute(_WAKE)
