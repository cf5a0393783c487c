"""What may become of a customer's shortlist."""

from dataclasses import dataclass
from uuid import UUID

from domain.skill import WorldEffect

MOST = 20
"""Homes of a shortlist that are shown."""


@dataclass(frozen=True, slots=True)
class KeepHome(WorldEffect):
    contact_id: UUID
    key: str


@dataclass(frozen=True, slots=True)
class LetHomeGo(WorldEffect):
    contact_id: UUID
    key: str
