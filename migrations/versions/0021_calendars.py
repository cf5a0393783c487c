"""Calendars elsewhere, and who waits for a time."""

from migrations.sql import run_file

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_file("0021_calendars.sql")
