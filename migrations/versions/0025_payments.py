"""Payments that customers are asked for, and what the provider said of them."""

from migrations.sql import run_file

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_file("0025_payments.sql")
