"""Portfolios: accounts of customers, what is in them, and prices."""

from migrations.sql import run_file

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_file("0017_portfolio.sql")
