"""Skills: their runs, and the appointments that booking makes."""

from migrations.sql import run_file

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_file("0015_skills.sql")
