"""One-time codes by which a customer shows who they are, asked for here and sent to another address of theirs."""

from migrations.sql import run_file

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_file("0028_identity.sql")
