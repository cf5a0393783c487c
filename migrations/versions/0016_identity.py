"""One-time codes by which a customer shows who they are, asked for here and sent to another address of theirs."""

from migrations.sql import run_file

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_file("0016_identity.sql")
