"""One customer, many addresses: merges that can be taken back, verified visitors, and who may be the same person."""

from migrations.sql import run_file

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_file("0012_contacts.sql")
