"""Language models: the ledger of what they cost, answers given again, summaries of long conversations."""

from migrations.sql import run_file

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_file("0016_models.sql")
