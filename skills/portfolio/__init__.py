"""Portfolio: what a client holds, once they have shown who they are. Facts, never advice."""

from skills.portfolio.skill import Portfolio

__all__ = ["Portfolio"]
