"""Reminders: what was said to an appointment's reminder, and the message that it was."""

from migrations.sql import run_file

revision = "0039"
down_revision = "0029"


def upgrade() -> None:
    run_file("0039_reminders.sql")
