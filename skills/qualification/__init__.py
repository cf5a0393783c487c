"""Qualification: asks what is missing, scores by declared weights, and passes hot leads on at once."""

from skills.qualification.skill import Qualification

__all__ = ["Qualification"]
