"""Which schema a conversation has, and why."""

from migrations.sql import run_file

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_file("0020_schemas.sql")
