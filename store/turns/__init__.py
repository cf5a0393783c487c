"""Turns: claimed by lease, fenced by epoch, loaded as one frozen value, and saved only if still current."""

from store.turns.claiming import Claim, claim, failed, give_back, give_up, next_due, overtaken, renew
from store.turns.loading import HISTORY, Started, glimpse, load, newest, recall
from store.turns.saving import RULES, Outcome, save, save_glimpse
from store.turns.telling import Told, told

__all__ = [
    "HISTORY", "RULES", "Claim", "Outcome", "Started", "Told", "claim", "failed", "give_back", "give_up", "glimpse",
    "load", "newest", "next_due", "overtaken", "recall", "renew", "save", "save_glimpse", "told",
]  # fmt: skip
