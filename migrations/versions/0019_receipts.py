"""Receipts that wait to be read: what was acknowledged and is not yet a message."""

from migrations.sql import run_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_file("0019_receipts.sql")
