"""Notifications are in the log of events."""

from migrations.sql import run_file

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_file("0013_notification_events.sql")
