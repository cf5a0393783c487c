"""Documents keep their own bytes; a person can be erased, by a role that can do only that."""

from migrations.sql import run_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_file("0004_apply_and_erase.sql")
