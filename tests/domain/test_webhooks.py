"""Signatures as the specification's own example has them, patterns of events, and waits between attempts."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from domain.webhooks import GIVE_UP, LONGEST, secret_of, sign, wait, wanted


def test_the_specification_s_own_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks: the vector of its reference libraries."""
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert secret_of(b"\0" * 24) == "whsec_" + "A" * 32


@pytest.mark.parametrize(
    ("patterns", "kind", "is_wanted"),
    [
        (["draft.approved"], "draft.approved", True), (["draft.*"], "draft.approved", True), (["*"], "a.b", True),
        (["draft.*"], "drafts.approved", False), (["draft.approve"], "draft.approved", False), ([], "a.b", False),
    ],
)  # fmt: skip
def test_wanted(patterns: list[str], kind: str, is_wanted: bool) -> None:
    assert wanted(patterns, kind) is is_wanted


def test_waits_grow_from_seconds_to_half_a_day_and_end_after_days() -> None:
    for chance in (0.0, 0.5, 1.0):
        waits = [wait(n, chance) for n in range(1, 60)]
        assert timedelta(seconds=4) <= waits[0] <= timedelta(seconds=6)
        assert all(one <= other for one, other in pairwise(waits))
        assert waits[-1] == LONGEST * (0.8 + 0.4 * chance)
        total, attempts = timedelta(0), 1
        while total + waits[attempts - 1] < GIVE_UP:
            total, attempts = total + waits[attempts - 1], attempts + 1
        assert 12 <= attempts <= 18
        assert total > timedelta(days=3)
    assert wait(1, 0.5, timedelta(minutes=5)) == timedelta(minutes=5)
    assert wait(1, 0.5, timedelta(days=300)) == LONGEST
