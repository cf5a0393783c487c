"""Leaves a model alone that keeps failing, and tries it again now and then."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.errors import Trouble

FAILURES = 4
"""In a row, after which a model rests."""
REST_S, LONGEST_S = 15.0, 300.0
"""The first rest; each failed try after it doubles it, up to the longest."""
COUNTED = frozenset(
    {Trouble.TIMEOUT, Trouble.UNREACHABLE, Trouble.RATE_LIMITED, Trouble.OVERLOADED, Trouble.BAD_JSON}
)
"""What speaks against the provider and not against what was asked."""
AT_ONCE = frozenset({Trouble.AUTH})
"""A key that is refused is refused the next time too."""


@dataclass(slots=True)
class Breaker:
    """Of one model, in one process. `now` counts seconds."""

    now: Callable[[], float]
    failures: int = 0
    until: float = 0.0
    rest_s: float = REST_S
    trying: bool = False

    def lets(self) -> bool:
        """Whether to ask. After a rest one call goes ahead; the others wait for how it ends."""
        if self.failures < FAILURES:
            return True
        if self.now() < self.until or self.trying:
            return False
        self.trying = True
        return True

    def worked(self) -> None:
        self.failures, self.rest_s, self.trying = 0, REST_S, False

    def failed(self, trouble: Trouble) -> None:
        tried, self.trying = self.trying, False
        if trouble in AT_ONCE:
            self.failures = FAILURES
        elif trouble in COUNTED:
            self.failures += 1
        elif tried and trouble is not Trouble.BUDGET:
            return self.worked()  # it answers; what it answers is another matter
        if self.failures >= FAILURES:
            self.until = self.now() + self.rest_s
            self.rest_s = min(2 * self.rest_s, LONGEST_S)

    def gave_up(self) -> None:
        """The caller went away before the answer came: nothing is known."""
        self.trying = False
