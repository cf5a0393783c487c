"""Workflow and rules in a turn: the status moves on, then rules are looked at, by priority."""

from dialogue.ruling.outside import settle
from dialogue.ruling.stage import fire, resume, rule

__all__ = ["fire", "resume", "rule", "settle"]
