"""A file of listings, RESO-style JSON or CSV with the same names: every row is a listing, or is told with why not."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from domain import tables
from domain.listings import reso
from domain.listings.home import Gone, Listing
from domain.tables import MOST_ROWS, Bad

Format = Literal["json", "csv"]


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is the line of a CSV, or of JSON with one record a line; else which record it is, from 1."""

    line: int
    listing: Listing | Gone


def guess(text: str) -> Format:
    return "json" if text.lstrip("\ufeff \t\r\n")[:1] in ("[", "{") else "csv"


def read(text: str, now: datetime, format_: Format | None = None) -> tuple[list[Row], list[Bad]]:
    """Raise ValueError when it is no file of listings at all."""
    bad = list[Bad]()
    found = list[Row]()
    records = _json(text) if (format_ or guess(text)) == "json" else tables.rows(text, reso.NEEDED, bad)
    for line, record in records:
        try:
            found.append(Row(line, reso.read(_as_record(record), now)))
        except reso.Wrong as error:
            bad.append(Bad(line, str(error)))
    return found, sorted(bad, key=lambda one: one.line)


def _as_record(record: Any) -> Mapping[str, Any]:
    if not isinstance(record, dict):
        raise reso.Wrong(f"is {type(record).__name__}, not an object with ListingKey and so on")
    return record


def _json(text: str) -> Iterator[tuple[int, Any]]:
    """{"value": [...]} as OData has it, a list, or one record a line."""
    text = text.removeprefix("\ufeff")
    try:
        whole = _parsed(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data" or "\n" not in text.strip():
            raise ValueError(f"line {error.lineno} is no JSON: {error.msg}") from None
        yield from _lines(text)
        return
    if isinstance(whole, dict) and "value" not in whole and _has_key(whole):
        whole = [whole]
    records = whole.get("value") if isinstance(whole, dict) else whole
    if not isinstance(records, list):
        raise ValueError('must be a list of listings, or an object with them as "value"')
    if len(records) > MOST_ROWS:
        raise ValueError(f"has more than {MOST_ROWS:,} listings; cut it in several files")
    yield from enumerate(records, 1)


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for line, one in enumerate(text.splitlines(), 1):
        if line > MOST_ROWS:
            raise ValueError(f"has more than {MOST_ROWS:,} lines; cut it in several files")
        if not one.strip():
            continue
        try:
            yield line, _parsed(one)
        except json.JSONDecodeError:
            yield line, one  # told as what it is: a row that is no record


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=str)
    except RecursionError:
        raise ValueError("is nested too deeply for a file of listings") from None


def _has_key(record: Mapping[str, Any]) -> bool:
    return any(str(name).lower() in ("listingkey", "listingid") for name in record)
