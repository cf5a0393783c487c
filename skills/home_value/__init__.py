"""What sales near a seller's home say: a comparative market analysis."""

from skills.home_value.skill import HomeValue

__all__ = ["HomeValue"]
