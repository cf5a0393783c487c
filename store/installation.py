"""Which database this is, so that a restored copy is not taken for the one that it was copied from."""

from sqlalchemy import Connection, text

from store.db import Dispatch

# A dump that is restored on another server, or into a new database on the same one, is somewhere else.
_HERE = (
    "select s.system_identifier::text as system, d.oid::bigint as oid"
    " from pg_control_system() s, pg_database d where d.datname = current_database()"
)
_MATCHES = text(
    f"select i.system_identifier = h.system and i.database_oid = h.oid from installation i, ({_HERE}) h"  # noqa: S608
)
_SETTLE = text(
    "insert into installation (system_identifier, database_oid, restored_at)"  # noqa: S608
    f" select h.system, h.oid, case when :restored then clock_timestamp() end from ({_HERE}) h"
    " on conflict (one) do update set system_identifier = excluded.system_identifier,"
    " database_oid = excluded.database_oid, since = clock_timestamp(),"
    " restored_at = coalesce(excluded.restored_at, installation.restored_at)"
)
# More than any server has transactions: it counts anew where a copy is, and a place in the log must never come again.
_NEW_ERA = text("update installation set event_base = event_base + (1::bigint << 44)")

WHAT_TO_DO = (
    "this database was restored from a backup, or moved: what it takes for unsent may have been sent since then. "
    "Stop every process, then run `frontdesk migrate --restored`; if it was moved while everything stood still, "
    "`frontdesk migrate --moved`"
)


class Restored(Exception):
    """The database is a copy, and nothing may be sent from it yet; the message says what to do."""


async def check(dispatch: Dispatch) -> None:
    """Raise Restored."""
    if await dispatch.db.scalar(_MATCHES) is False:
        raise Restored(WHAT_TO_DO)


def known(connection: Connection) -> bool | None:
    """Whether the database is where it was; None before it was ever settled."""
    matches: bool | None = connection.scalar(_MATCHES)
    return matches


def settle(connection: Connection, *, restored: bool = False) -> None:
    """From now on it is here."""
    connection.execute(_SETTLE, {"restored": restored})


def begin_era(connection: Connection) -> None:
    """What is logged from now on comes after everything that was, also after what the original has logged since."""
    connection.execute(_NEW_ERA)
