"""Workflow and rules: where a conversation stands, and what rules have done."""

from migrations.sql import run_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_file("0014_rules.sql")
