"""Somebody of the business calls the customer."""

from skills.callback.skill import CallBack

__all__ = ["CallBack"]
