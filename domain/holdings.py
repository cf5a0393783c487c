"""Holdings and prices as CSV: every row is taken or told why not. An account with a bad row is left as it was, so that
no half of it is ever shown."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NoReturn

import phonenumbers

from domain import tables
from domain.tables import Bad as Bad

COLUMNS = ("client", "code_to", "account", "account_name", "currency", "symbol", "name", "kind", "quantity")
PRICE_COLUMNS = ("symbol", "currency", "day", "close")
KINDS = ("stock", "bond", "fund", "crypto", "other")
CASH = "CASH"
_CURRENCY = re.compile(r"[A-Z]{3}")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9./-]{0,15}")
_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Held:
    symbol: str
    name: str
    kind: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class AccountRows:
    """One account of the file. `client` is the number by which the customer is known; to `code_to` go one-time codes,
    the business vouches for it ("" keeps what is known)."""

    line: int
    client: str
    code_to: str
    number: str
    name: str
    currency: str
    cash: Decimal
    held: tuple[Held, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Close:
    symbol: str
    currency: str
    day: date
    amount: Decimal


class _Wrong(Exception):
    pass


def accounts(text: str) -> tuple[list[AccountRows], list[Bad]]:
    """Raise ValueError when it is no such file at all."""
    groups: dict[str, list[tuple[int, dict[str, str]]]] = {}
    bad: list[Bad] = []
    for line, row in tables.rows(text, COLUMNS, bad):
        if not row["account"]:
            bad.append(Bad(line, "account is empty"))
        else:
            groups.setdefault(row["account"], []).append((line, row))
    found = []
    for number, rows in groups.items():
        wrong = [Bad(line, why) for line, row in rows if (why := _complaint(row))]
        wrong = wrong or _together(rows)
        if wrong:
            lines = {one.line for one in wrong}
            first = min(lines)
            held_back = f"held back: line {first} of the same account is wrong"
            bad += [*wrong, *(Bad(line, held_back) for line, _ in rows if line not in lines)]
        else:
            found.append(_account(number, rows))
    return found, sorted(bad, key=lambda one: one.line)


def closes(text: str) -> tuple[list[Close], list[Bad]]:
    """Raise ValueError when it is no such file at all."""
    found: dict[tuple[str, str, date], Close] = {}
    bad: list[Bad] = []
    for line, row in tables.rows(text, PRICE_COLUMNS, bad):
        try:
            one = Close(_symbol(row), _currency(row), _day(row), _positive("close", row))
        except _Wrong as error:
            bad.append(Bad(line, str(error)))
            continue
        key = (one.symbol, one.currency, one.day)
        if key in found:
            bad.append(Bad(line, f"{one.symbol} has a close for {one.day} already"))
        else:
            found[key] = one
    return list(found.values()), sorted(bad, key=lambda one: one.line)


def _complaint(row: Mapping[str, str]) -> str:
    checks: tuple[Callable[[], object], ...] = (
        lambda: _number("client", row), lambda: row["code_to"] and _number("code_to", row),
        lambda: _currency(row), lambda: _decimal("quantity", row),
        lambda: row["symbol"].upper() == CASH or (_symbol(row), _kind(row), _positive("quantity", row)),
    )  # fmt: skip
    for check in checks:
        try:
            check()
        except _Wrong as error:
            return str(error)
    return ""


def _together(rows: list[tuple[int, dict[str, str]]]) -> list[Bad]:
    """What is wrong only beside the rows before it."""
    first, seen = rows[0][1], set[str]()
    found = []
    for line, row in rows:
        symbol = row["symbol"].upper()
        different = next((n for n in ("client", "code_to", "currency") if row[n] != first[n]), None)
        if different:
            found.append(Bad(line, f"{different} is not that of the account's first row"))
        elif symbol in seen:
            found.append(Bad(line, f"{symbol} stands twice in this account"))
        seen.add(symbol)
    return found


def _account(number: str, rows: list[tuple[int, dict[str, str]]]) -> AccountRows:
    line, first = rows[0]
    cash = sum((Decimal(r["quantity"]) for _, r in rows if r["symbol"].upper() == CASH), Decimal(0))
    held = tuple(
        Held(_symbol(row), row["name"] or _symbol(row), _kind(row), Decimal(row["quantity"]))
        for _, row in rows
        if row["symbol"].upper() != CASH
    )
    code_to = _number("code_to", first) if first["code_to"] else ""
    client, name = _number("client", first), first["account_name"] or "account"
    return AccountRows(line, client, code_to, number, name, _currency(first), cash, held, len(rows))


def _number(column: str, row: Mapping[str, str]) -> str:
    try:
        parsed = phonenumbers.parse(row[column], None)
    except phonenumbers.NumberParseException:
        _wrong(column, row, "a telephone number with its country code, such as +15125550100")
    if not phonenumbers.is_possible_number(parsed):
        _wrong(column, row, "a telephone number with its country code, such as +15125550100")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _currency(row: Mapping[str, str]) -> str:
    if not _CURRENCY.fullmatch(row["currency"].upper()):
        _wrong("currency", row, "three letters, such as USD")
    return row["currency"].upper()


def _symbol(row: Mapping[str, str]) -> str:
    if not _SYMBOL.fullmatch(row["symbol"].upper()):
        _wrong("symbol", row, "a symbol, such as VTI or BRK.B, or CASH")
    return row["symbol"].upper()


def _kind(row: Mapping[str, str]) -> str:
    if row["kind"].lower() not in KINDS:
        _wrong("kind", row, f"one of {', '.join(KINDS)}")
    return row["kind"].lower()


def _decimal(column: str, row: Mapping[str, str]) -> Decimal:
    if not _AMOUNT.fullmatch(row[column]):
        _wrong(column, row, "a number without thousands separators, such as 1250.5")
    try:
        return Decimal(row[column])
    except InvalidOperation:
        _wrong(column, row, "a number")


def _positive(column: str, row: Mapping[str, str]) -> Decimal:
    value = _decimal(column, row)
    if value < 0:
        _wrong(column, row, "not less than zero")
    return value


def _day(row: Mapping[str, str]) -> date:
    try:
        return date.fromisoformat(row["day"])
    except ValueError:
        _wrong("day", row, "a day, such as 2026-11-20")


def _wrong(column: str, row: Mapping[str, str], right: str) -> NoReturn:
    raise _Wrong(f"{column} {row[column][:40]!r} must be {right}")
