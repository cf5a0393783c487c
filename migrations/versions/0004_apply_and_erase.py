"""Documents keep their own bytes; a person can be erased, by a role that can do only that."""

from pathlib import Path

from migrations.sql import run_file

revision = "0004"
# 0003 is written by other hands at the same time; whichever comes first, there is one line of revisions.
down_revision = "0003" if any(Path(__file__).parent.glob("0003_*.py")) else "0002"


def upgrade() -> None:
    run_file("0004_apply_and_erase.sql")
