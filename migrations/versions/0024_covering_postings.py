"""A search reads postings from their index alone."""

from migrations.sql import run_file

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_file("0024_covering_postings.sql")
