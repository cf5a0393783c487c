"""The log of what happened in a workspace."""

from migrations.sql import run_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_file("0007_events.sql")
