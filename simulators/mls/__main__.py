"""`python -m simulators.mls --count 10000 > austin.json`: the made-up listings, as RESO-style JSON or CSV."""

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from datetime import date
from typing import TextIO

from simulators.mls.homes import Maker, Record

SEED, COUNT, TODAY = 1, 10_000, date(2026, 11, 20)


def write_json(records: Iterable[Record], out: TextIO) -> None:
    """One record a line; what is empty is left out."""
    out.write('{"value": [\n')
    for n, record in enumerate(records):
        kept = {name: value for name, value in record.items() if value not in (None, [], "")}
        out.write((",\n" if n else "") + json.dumps(kept))
    out.write("\n]}\n")


def write_csv(records: Iterable[Record], out: TextIO) -> None:
    rows = list(records)
    writer = csv.DictWriter(out, sorted({name for row in rows for name in row}), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: ",".join(v) if isinstance(v, list) else v for k, v in row.items()})


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=COUNT)
    asked.add_argument("--seed", type=int, default=SEED)
    asked.add_argument(
        "--today", type=date.fromisoformat, default=TODAY, help="listings are of before this day"
    )
    asked.add_argument("--places", default="", help="neighbourhoods, comma-separated; all without it")
    asked.add_argument("--sold", type=float, default=0.24, help="the share that is sold")
    asked.add_argument("--format", choices=("json", "csv"), default="json")
    said = asked.parse_args()
    maker = Maker(said.seed, said.today, [one for one in said.places.split(",") if one], said.sold)
    write = write_csv if said.format == "csv" else write_json
    write(maker.homes(said.count), sys.stdout)


if __name__ == "__main__":
    main()
