"""Skills: their runs, and the appointments that booking makes."""

from migrations.sql import run_file

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_file("0009_skills.sql")
