"""Links by which customers pay for what the business has declared to cost money."""

from skills.payment.skill import Payment

__all__ = ["Payment"]
