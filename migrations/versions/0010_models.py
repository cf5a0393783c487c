"""Language models: the ledger of what they cost, answers given again, summaries of long conversations."""

from migrations.sql import run_file

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_file("0010_models.sql")
