"""A workspace's data keys: put under the newest installation secret, and joined by new ones. What a key has
sealed stays sealed by it, so a key is never taken away."""

from sqlalchemy import text

from store import audit
from store.crypto import Keyring, SealedKey
from store.db import NOBODYS, Accounts, Tx, vars_of

_LOCK = text("select pg_advisory_xact_lock(hashtextextended('keys ' || frontdesk_workspace()::text, 0))")
_ALL = text("select id, purpose, sealed, sealed_by from data_key order by id")
_PUT = text("update data_key set sealed = :sealed, sealed_by = :sealed_by where id = :id")
_ACCOUNT_KEYS = text("select id, purpose, sealed, sealed_by from account_key order by id for update")
_PUT_ACCOUNT_KEY = text(
    "update account_key set sealed = :sealed, sealed_by = :sealed_by where id = :id and purpose = :purpose"
)
_ADD = text(
    "insert into data_key (workspace_id, id, purpose, sealed, sealed_by)"
    " values (:w, :id, :purpose, :sealed, :sealed_by)"
)


async def reseal(tx: Tx, keyring: Keyring) -> int:
    """Put every key that is under an older secret under the newest one; return how many were. When all
    workspaces are done, the older secret may be taken out of FRONTDESK_SECRET_KEY."""
    changed = [keyring.reseal(tx.workspace_id, key) for key in await _locked(tx)]
    for key in changed:
        if key is not None:
            await tx.execute(_PUT, {"id": key.id, "sealed": key.sealed, "sealed_by": key.sealed_by})
    return sum(key is not None for key in changed)


async def add_data_key(tx: Tx, keyring: Keyring) -> int:
    """A new key for new values, used once it has settled; return its id."""
    key = keyring.new_key(tx.workspace_id, max(key.id for key in await _locked(tx)) + 1, "data")
    await tx.execute(_ADD, {"w": tx.workspace_id, **vars_of(key)})
    return key.id


async def rotate(tx: Tx, keyring: Keyring, actor: str) -> int:
    """Both, and written down; return how many keys came under the newest secret."""
    resealed, added = await reseal(tx, keyring), await add_data_key(tx, keyring)
    await audit.add(tx, actor, "keys_rotated", "workspace", tx.workspace_id, resealed=resealed, added=added)
    return resealed


async def reseal_accounts(accounts: Accounts, keyring: Keyring) -> int:
    """The same for the keys of accounts, which belong to no workspace."""
    rows = (await accounts.db.execute(_ACCOUNT_KEYS)).all()
    keys = [SealedKey(row.id, row.purpose, bytes(row.sealed), row.sealed_by) for row in rows]
    changed = [key for key in (keyring.reseal(NOBODYS, one) for one in keys) if key is not None]
    for key in changed:
        await accounts.db.execute(_PUT_ACCOUNT_KEY, vars_of(key))
    return len(changed)


async def _locked(tx: Tx) -> list[SealedKey]:
    """Every key; nobody else changes them until the transaction ends."""
    await tx.execute(_LOCK)
    return [
        SealedKey(row.id, row.purpose, bytes(row.sealed), row.sealed_by) for row in await tx.execute(_ALL)
    ]
