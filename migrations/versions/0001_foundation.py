"""The tables of one message's whole way, their roles and their row-level security."""

from migrations.sql import run_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_file("0001_foundation.sql")
