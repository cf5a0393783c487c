"""Rules in a turn: many of them cost little, and a changed profile is looked at as it is now."""

from bench import rules as bench
from dialogue import ruling
from domain.workspace import Profile


def test_a_thousand_rules_cost_little_more_than_reading_their_json() -> None:
    """Of CPU, in one run; 1.3 measured. Without what is kept a version of the profile it is above ten."""
    found = bench.run(1_000, rounds=7)
    assert found["fired"] == 10
    assert found["ratio"] < 5, found


def test_what_is_kept_is_this_profile_s() -> None:
    def profile(tag: str) -> Profile:
        rule = {"name": "r", "on": "message_received", "then": [{"add_tag": tag}]}
        return Profile.model_validate({"workspace": {"slug": "a", "name": "A"}, "rules": [rule]})

    for tag in ("one", "two", "one"):
        done = ruling.rule(bench.turn_of(profile(tag)))
        assert [effect.tag for effect in done.effects if hasattr(effect, "tag")] == [tag]
