"""Scores domain.entities against the public corpora: `python -m bench.entities ../shared/data` prints JSON.

A message counts by its set of values: a moment is a day and a time, "from X to Y" is both ends, and a whole
period ("next week") or a part of the day is scored on its own. `time` is exact under our bare hour policy
(5 → 17:00); `time_12h` forgives half a day where no half was said: the corpora read a bare "5" as 05:00."""

import collections
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from domain.entities import DateRange, Entity, Kind, Money, MoneyRange, TimeRange, find_entities, parse_date
from domain.entities.words import DAY_PARTS

Values = dict[str, set[Any]]
_TWO_ENDS = re.compile(r" (?:to|until|till|and|through)\b|[-–]")
_HALF = re.compile(r"[ap]\.? ?m\b|morning|afternoon|evening|night|noon", re.I)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def values(text: str, now: datetime, country: str = "US") -> Values:
    found: Values = collections.defaultdict(set)
    for entity in find_entities(text, now, country=country):
        for kind, value in _parts(entity, now):
            found[kind].add(value)
    return found


def _parts(entity: Entity, now: datetime) -> Iterator[tuple[str, Any]]:
    value = entity.value
    if isinstance(value, datetime):
        yield "time", value.strftime("%H:%M")
        if parse_date(entity.text, now) and not re.search("hour|minute|min", entity.text):
            yield "date", value.date()
    elif isinstance(value, DateRange):
        if _TWO_ENDS.search(entity.text):
            yield "date", value.start
            yield "date", value.end
        else:
            yield "period", (value.start, value.end)
    elif isinstance(value, TimeRange):
        if value.on:
            yield "date", value.on
        elif (value.start, value.end) not in DAY_PARTS.values():
            yield "time", value.start.strftime("%H:%M")
            yield "time", value.end.strftime("%H:%M")
    elif isinstance(value, timedelta):  # the corpora count days and nights as plain numbers
        if re.search("day|night|week", entity.text):
            yield "number", Decimal(value.days)
    elif isinstance(value, Money):
        yield "money", value.amount
    elif isinstance(value, MoneyRange):
        yield "money", value.low.amount
        yield "money", value.high.amount
    elif entity.kind is Kind.TIME:
        yield "time", value.strftime("%H:%M")  # type: ignore[union-attr]
    else:
        yield entity.kind.value, value


class Score:
    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0, 0])

    def add(self, kind: str, gold: set[Any], got: set[Any]) -> None:
        for i, n in enumerate((len(gold & got), len(got), len(gold))):
            self.counts[kind][i] += n

    def f1(self) -> dict[str, dict[str, float]]:
        return {kind: self._f1(*three) for kind, three in self.counts.items() if three[2]}

    @staticmethod
    def _f1(hit: int, got: int, gold: int) -> dict[str, float]:
        precision, recall = hit / max(1, got), hit / gold
        return {
            "p": round(100 * precision, 1),
            "r": round(100 * recall, 1),
            "f1": round(200 * hit / max(1, got + gold), 1),
            "n": gold,
        }


def _forgiving(gold: set[str], got: set[str], text: str) -> set[str]:
    """`got` with a half of the day nobody said put where the corpus has it."""
    other = {at: f"{(int(at[:2]) + 12) % 24:02d}{at[2:]}" for at in got}
    return {
        other[at] if at not in gold and other[at] in gold and not _HALF.search(text) else at for at in got
    }


def _compare(score: Score, gold: Values, got: Values, text: str, show: str) -> None:
    got["time_12h"], gold["time_12h"] = _forgiving(gold["time"], got["time"], text), gold["time"]
    for kind in gold:
        score.add(kind, gold[kind], got[kind])
        if show == kind and gold[kind] != got[kind]:
            print(  # noqa: T201
                text, "| gold", *gold[kind], "| got", *got[kind], file=sys.stderr
            )


def sgd(path: Path, show: str) -> dict[str, Any]:
    score = Score()
    for row in rows(path):
        gold: Values = {kind: set() for kind in ("date", "time", "money", "number")}
        for slot in row["gold"].values():
            if slot["type"] in gold and slot["value"] != "dontcare":
                gold[slot["type"]].add(_sgd_value(slot["type"], slot["value"]))
        now = datetime.fromisoformat(row["now"]).replace(tzinfo=UTC)
        _compare(score, gold, values(row["text"], now), row["text"], show)
    return score.f1()


def _sgd_value(kind: str, value: Any) -> Any:
    if kind == "date":
        return date.fromisoformat(value)
    return value if kind == "time" else Decimal(str(value))


def nlupp(path: Path, show: str) -> dict[str, Any]:
    now = datetime(2022, 3, 15, 9, tzinfo=UTC)
    score = Score()
    for row in rows(path):
        gold: Values = {kind: set() for kind in ("date", "time", "money", "period", "number")}
        for slot, said in (row.get("slots") or {}).items():
            for kind, value in _nlupp_value(slot, said):
                gold[kind].add(value)
        _compare(score, gold, values(row["text"], now, "GB"), row["text"], show)
    return score.f1()


def _nlupp_value(slot: str, said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    value = said.get("value")
    if slot in ("date", "date_from", "date_to"):
        if isinstance(value, dict) and {"year", "month", "day"} <= value.keys():
            yield "date", date(value["year"], value["month"], value["day"])
    elif slot in ("time", "time_from", "time_to"):
        if isinstance(value, dict) and {"hour", "minute"} <= value.keys():
            yield "time", f"{value['hour']:02d}:{value['minute']:02d}"
    elif slot == "amount_of_money":  # a bare "400" is an amount only by what was asked: not ours to say
        if value["currency"] != "ambiguous":
            yield "money", Decimal(str(value["amount"]))
    elif slot == "number" and isinstance(value, int | float):
        yield "number", Decimal(str(value))
    elif slot == "date_period" and said["values"]["type"] == "absolute":
        ends = (said["values"]["from"], said["values"]["to"])
        if all(len(end) == 3 for end in ends):
            yield "period", tuple(date(end["year"], end["month"], end["day"]) for end in ends)


def duckling(folder: Path, show: str) -> dict[str, Any]:
    """Whole expressions: the share read as exactly the value; grains finer than minutes are left out."""
    now = datetime.fromisoformat("2013-02-12T04:30:00-02:00")
    hits: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    for name in ("time", "time_us", "money", "numeral", "email"):
        for row in rows(folder / f"{name}.jsonl"):
            kind, gold = _duckling_value(name, row["value"])
            for text in row["examples"] if kind else ():
                right = gold in _comparable(values(text, now), kind, gold)
                hits[kind][0] += right
                hits[kind][1] += 1
                if show == kind and not right:
                    print(  # noqa: T201
                        text, "| gold", gold, "| got", dict(values(text, now)), file=sys.stderr
                    )
    return {kind: {"exact": round(100 * hit / n, 1), "n": n} for kind, (hit, n) in hits.items()}


def _comparable(got: Values, kind: str, gold: Any) -> list[Any]:
    """A time without a day is compared as a time: which day it means is for the dialogue to say."""
    if kind == "datetime":
        return [(day, at) for day in got["date"] or {gold[0]} for at in got["time"]]
    return list(got["date" if kind == "holiday" else kind])


def _duckling_value(name: str, value: str) -> tuple[str, Any]:
    if m := re.match(
        r"datetime(?:Holiday)? \((\d+), (\d+), (\d+), (\d+), (\d+), \d+\) (Day|Hour|Minute)\b", value
    ):
        year, month, day, hour, minute = map(int, m.groups()[:5])
        if m[6] == "Day":
            return "holiday" if "Holiday" in value else "date", date(year, month, day)
        return "datetime", (date(year, month, day), f"{hour:02d}:{minute:02d}")
    if m := re.match(r"simple (?:Dollar|EUR|Pound|GBP|USD|JPY|INR|Unnamed) ([\d.e]+)$", value):
        return "money", Decimal(m[1])
    if m := re.match(r"NumeralValue (-?[\d.e]+)$", value):
        return "number", Decimal(m[1])
    if name == "email":
        return "email", value.partition('"')[2].strip('"').lower()
    return "", None


def recognizers(folder: Path, show: str) -> dict[str, Any]:
    score = Score()
    for row in rows(folder / "DateTimeModel.jsonl"):
        if gold := _recognized(row):
            now = datetime.fromisoformat(row["context"]["ReferenceDateTime"]).replace(tzinfo=UTC)
            _compare(score, gold, values(row["input"], now), row["input"], show)
    for name, kind in (("Currency", "money"), ("Email", "email"), ("Number", "number")):
        for row in rows(folder / f"{name}Model.jsonl"):
            read = {_plain(kind, each["Resolution"].get("value")) for each in row["results"]}
            _compare(
                score,
                {kind: read - {None}, "time": set()},
                values(row["input"], datetime.now(UTC)),
                row["input"],
                show,
            )
    return score.f1()


def _plain(kind: str, value: Any) -> Any:
    if kind == "email":
        return str(value).lower()
    try:
        return Decimal(str(value)).normalize()
    except ArithmeticError:
        return None


def _recognized(row: dict[str, Any]) -> Values | None:
    """Messages whose every result is a date or a time; of several readings, the future one."""
    gold: Values = {"date": set(), "time": set()}
    for each in row["results"]:
        kind = each["TypeName"].removeprefix("datetimeV2.")
        reading = ((each.get("Resolution") or {}).get("values") or [{}])[-1].get("value")
        if kind not in gold or not reading or reading == "not resolved":
            return None
        gold[kind].add(date.fromisoformat(reading) if kind == "date" else reading[:5])
    return gold if row["results"] and (row.get("context") or {}).get("ReferenceDateTime") else None


def speed(texts: list[str]) -> dict[str, float]:
    now = datetime(2022, 3, 15, 9, tzinfo=UTC)
    took = []
    for text in texts:
        begin = time.perf_counter()
        find_entities(text, now)
        took.append(1e3 * (time.perf_counter() - begin))
    took.sort()
    return {"p50_ms": round(statistics.median(took), 3), "p99_ms": round(took[int(0.99 * len(took))], 3)}


def main(data: Path, corpus: str = "", show: str = "") -> None:
    """`corpus` and `show` print that corpus's misses of one kind to the error stream."""
    bank = data / "nlupp" / "banking.jsonl"
    runs = {
        "sgd_500": (sgd, data / "sgd_typed" / "sgd_dev_500.jsonl"),
        "sgd_200": (sgd, data / "sgd_typed" / "sgd_dev_200_unseen_services.jsonl"),
        "nlupp": (nlupp, bank),
        "duckling": (duckling, data / "duckling_corpus"),
        "recognizers": (recognizers, data / "recognizers_specs"),
    }
    report = {name: run(path, show if name == corpus else "") for name, (run, path) in runs.items()}
    report["speed"] = speed([row["text"] for row in rows(bank)])
    print(json.dumps(report, indent=1))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:4])
