"""Why a message leaves: on this depend consent, quiet hours and who may be silenced."""

from enum import StrEnum


class Purpose(StrEnum):
    REPLY = "reply"  # answers what the customer wrote
    HUMAN = "human"  # a person writes
    CONFIRMATION = "confirmation"  # of a STOP, START or HELP, in fixed words
    CODE = "code"  # one-time, to an address that somebody has just said is theirs
    NOTICE = "notice"  # nobody asked: reminders, follow-ups
    MARKETING = "marketing"


UNASKED = frozenset({Purpose.NOTICE, Purpose.MARKETING})
"""What quiet hours and consent are about."""
