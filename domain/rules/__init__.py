"""Rules of a business: when something happens and conditions hold, do these things. Data and pure evaluation."""

from domain.rules.actions import Action
from domain.rules.conditions import Facts, Verdict, When, evaluate
from domain.rules.rule import Rule, Trigger, due, in_order

__all__ = ["Action", "Facts", "Rule", "Trigger", "Verdict", "When", "due", "evaluate", "in_order"]
