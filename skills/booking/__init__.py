"""Booking: appointments found, held, read back, booked, moved and cancelled."""

from skills.booking.skill import Booking

__all__ = ["Booking"]
