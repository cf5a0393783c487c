"""People sign in: accounts, sessions, invitations; keys with a role of their own; notifications."""

from migrations.sql import run_file

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_file("0008_accounts.sql")
