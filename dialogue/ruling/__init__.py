"""Workflow and rules in a turn: the status moves on, then rules are looked at, by priority."""

from dialogue.ruling.outside import notify, settle
from dialogue.ruling.stage import choose, fire, rehearse, resume, rule, to_status

__all__ = ["choose", "fire", "notify", "rehearse", "resume", "rule", "settle", "to_status"]
