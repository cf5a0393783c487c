"""Homes for sale, and what customers are shown of them."""

from migrations.sql import run_file

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_file("0022_listings.sql")
