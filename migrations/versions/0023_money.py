"""Bank accounts, transfers of money, and the ledger of both."""

from migrations.sql import run_file

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_file("0023_money.sql")
