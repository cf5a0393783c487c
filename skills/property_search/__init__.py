"""Homes for sale and for rent: found, told about, kept on a shortlist."""

from skills.property_search.skill import PropertySearch

__all__ = ["PropertySearch"]
