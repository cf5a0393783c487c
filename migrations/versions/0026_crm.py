"""A CRM elsewhere: links, contacts' other halves, notes, what it told us, and what passed."""

from migrations.sql import run_file

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_file("0026_crm.sql")
