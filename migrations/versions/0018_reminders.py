"""Reminders: what was said to an appointment's reminder, and the message that it was."""

from migrations.sql import run_file

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_file("0018_reminders.sql")
