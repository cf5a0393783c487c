"""Portfolios as they come in: whose account is which, what is in it, and prices, once for each symbol."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.holdings import AccountRows, Bad, Close
from domain.messages import Address, Scheme
from domain.portfolio import Account, Position
from store import audit, contacts, merges
from store.db import Tx, new_id

CLOSE_AT = time(21, 0, tzinfo=UTC)
"""When a day's close counts as seen: four in the afternoon in New York, in winter."""
CSV = "csv"

_PUT = text(
    "insert into portfolio_account (workspace_id, id, contact_id, source, external_hash, body, currency)"
    " values (:w, :id, :contact, :source, :hash, :body, :currency) on conflict (workspace_id, source, external_hash)"
    " do update set body = excluded.body, currency = excluded.currency, synced_at = frontdesk_now()"
    " where portfolio_account.contact_id = excluded.contact_id returning id"
)
_CLEAR = text("delete from portfolio_position where account_id = :account")
_ADD = text(
    "insert into portfolio_position (workspace_id, account_id, symbol, name, kind, quantity) select :w, :account, * from"
    " unnest(cast(:symbols as text[]), cast(:names as text[]), cast(:kinds as text[]), cast(:quantities as bytea[]))"
)
_PRICES = text(
    "insert into price (workspace_id, symbol, currency, day, amount, at) select :w, * from unnest("
    "cast(:symbols as text[]), cast(:currencies as text[]), cast(:days as date[]), cast(:amounts as numeric[]),"
    " cast(:ats as timestamptz[])) on conflict (workspace_id, symbol, currency, day)"
    " do update set amount = excluded.amount, at = excluded.at where excluded.at >= price.at"
)
_VOUCH = text(
    "update contact_address set verified_at = coalesce(verified_at, frontdesk_now()) where id = :id returning id"
)


async def take(tx: Tx, accounts: Iterable[AccountRows], actor: str) -> tuple[int, list[Bad]]:
    """Put the file's accounts as they stand there; return how many rows were taken, and what was not."""
    taken, bad = 0, list[Bad]()
    await merges.alone(tx)
    for one in accounts:
        client = await contacts.hold(tx, Address(Scheme.TEL, one.client))
        why = await _vouched(tx, one, client.contact_id, actor)
        account = Account(
            new_id(), one.name, one.number[-4:], one.currency, one.cash,
            tuple(Position(held.symbol, held.name, held.kind, held.quantity) for held in one.held), CSV, one.number,
        )  # fmt: skip
        if not why and not await put(tx, client.contact_id, account):
            why = "this account is another client's already"
        if why:
            bad.append(Bad(one.line, f"{why}; none of the account's {one.rows} rows was taken"))
        else:
            taken += one.rows
    await audit.add(
        tx, actor, "portfolio_imported", "workspace", tx.workspace_id, rows=taken, refused=len(bad)
    )
    return taken, bad


async def _vouched(tx: Tx, one: AccountRows, contact_id: UUID, actor: str) -> str:
    """The number for codes becomes the client's, on the business's word; why not, if it is somebody else's."""
    if not one.code_to:
        return ""
    held = await contacts.hold(tx, Address(Scheme.TEL, one.code_to))
    if held.contact_id != contact_id and not held.first_seen:
        return f"code_to {one.code_to} is another contact's"
    if held.contact_id != contact_id:
        await merges.merge(tx, held.contact_id, contact_id, actor, "vouched")
    await tx.execute(_VOUCH, {"id": held.id})
    await audit.add(tx, actor, "address_vouched_for", "contact_address", held.id)
    return ""


async def put(tx: Tx, contact_id: UUID, account: Account) -> UUID | None:
    """The account as it stands now; its id here. None when it is another contact's: nobody's account changes hands by
    a file."""
    body = {
        "name": account.name,
        "mask": account.mask,
        "cash": str(account.cash),
        "external": account.external_id,
    }
    row = (
        await tx.execute(
            _PUT,
            {
                "w": tx.workspace_id, "id": account.id, "contact": contact_id, "source": account.source,
                "hash": tx.vault.hash("account", f"{account.source}:{account.external_id}"),
                "body": tx.vault.seal("portfolio_account.body", json.dumps(body)), "currency": account.currency,
            },
        )
    ).first()  # fmt: skip
    if row is None:
        return None
    await tx.execute(_CLEAR, {"account": row.id})
    held = account.positions
    values = {"w": tx.workspace_id, "account": row.id, "symbols": [one.symbol for one in held]}
    values |= {"names": [one.name for one in held], "kinds": [one.kind for one in held]}
    values["quantities"] = [tx.vault.seal("portfolio_position.quantity", str(one.quantity)) for one in held]
    await tx.execute(_ADD, values)
    found: UUID = row.id
    return found


async def put_closes(tx: Tx, closes: Sequence[Close], at: datetime | None = None) -> None:
    """`at`: when they were seen; None is the close of their day."""
    values: dict[str, Any] = {"w": tx.workspace_id, "symbols": [one.symbol for one in closes]}
    values |= {"currencies": [one.currency for one in closes], "days": [one.day for one in closes]}
    values["amounts"] = [one.amount for one in closes]
    values["ats"] = [at or datetime.combine(one.day, CLOSE_AT) for one in closes]
    await tx.execute(_PRICES, values)
