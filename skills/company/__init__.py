"""Companies: what one share costs now, as the broker says. Facts, never advice."""

from skills.company.skill import Company

__all__ = ["Company"]
