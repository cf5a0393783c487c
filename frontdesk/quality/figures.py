"""Shares, harmonic means and percentiles of what was measured."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Answer = TypeVar("Answer")


@dataclass
class Stopwatch:
    """Times every call it makes, in milliseconds of the clock on the wall."""

    took_ms: list[float] = field(default_factory=list)

    def time(self, work: Callable[[], Answer]) -> Answer:
        started = time.perf_counter()
        answer = work()
        self.took_ms.append((time.perf_counter() - started) * 1000)
        return answer

    def percentile(self, share: float) -> float:
        return percentile(self.took_ms, share)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2) if ordered else 0.0


def share(part: float, whole: float) -> float | None:
    """None of nothing: it was not measured."""
    return round(part / whole, 4) if whole else None


def f1(right: int, said: int, wanted: int) -> float:
    return round(2 * right / (said + wanted), 4) if said + wanted else 0.0


def accuracy(gold: Sequence[str], found: Sequence[str]) -> float:
    return round(sum(a == b for a, b in zip(gold, found, strict=True)) / len(gold), 4)


@dataclass(frozen=True, slots=True)
class OfClass:
    precision: float | None
    recall: float | None
    f1: float
    n: int


def by_class(gold: Sequence[str], found: Sequence[str]) -> dict[str, OfClass]:
    """For every label that was right at least once, or should have been."""
    pairs = list(zip(gold, found, strict=True))
    table = {}
    for label in sorted(set(gold)):
        right = sum(a == b == label for a, b in pairs)
        said, wanted = sum(b == label for _, b in pairs), sum(a == label for a, _ in pairs)
        table[label] = OfClass(share(right, said), share(right, wanted), f1(right, said, wanted), wanted)
    return table


def macro_f1(gold: Sequence[str], found: Sequence[str]) -> float:
    """The mean over the labels that occur in `gold`."""
    table = by_class(gold, found)
    return round(sum(one.f1 for one in table.values()) / len(table), 4)
