"""Ten kills of the long run (`make faults`), with a seed of their own."""

from pathlib import Path

from bench.faults import SHORT_STEPS, Plan, run


async def test_ten_kills_lose_and_repeat_nothing(tmp_path: Path) -> None:
    plan = Plan(
        kills=10, seed=7, lease_s=1.5, send_lease_s=3.0, rate=3.0, kills_a_run=10, pause_s=(0.2, 0.6),
        outages=("redis_flushed",), steps=SHORT_STEPS, settled=False, forked=True, settle_s=90,
    )  # fmt: skip
    told = (await run(plan, tmp_path)).as_json()
    assert told["violations"] == []
    assert (told["lost"], told["duplicated"], told["reordered"]) == (0, 0, 0)
    assert told["kills"] >= 10
    assert told["acknowledged"] > 0
