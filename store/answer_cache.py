"""Answers that may be given again, sealed; found by a keyed hash of what was asked."""

from datetime import timedelta

from sqlalchemy import text

from store.db import Tx

_GET = text("select answer from answer_cache where key = :key and expires_at > frontdesk_now()")
_PUT = text(
    "insert into answer_cache (workspace_id, key, answer, expires_at)"
    " values (:w, :key, :answer, frontdesk_now() + :keep) on conflict (workspace_id, key) do update set"
    " answer = excluded.answer, expires_at = excluded.expires_at"
)
_FORGET = text(
    "delete from answer_cache where (workspace_id, key) in (select workspace_id, key from answer_cache"
    " where expires_at <= frontdesk_now() limit 100 for update skip locked)"
)


async def get(tx: Tx, key: str) -> str | None:
    row = (await tx.execute(_GET, {"key": tx.vault.hash("answer", key)})).first()
    return tx.vault.open("answer_cache.answer", bytes(row.answer)) if row else None


async def put(tx: Tx, key: str, answer: str, keep: timedelta) -> None:
    await tx.execute(_FORGET)
    sealed = tx.vault.seal("answer_cache.answer", answer)
    values = {"w": tx.workspace_id, "key": tx.vault.hash("answer", key), "answer": sealed, "keep": keep}
    await tx.execute(_PUT, values)
