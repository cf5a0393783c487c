"""What a visitor of the web chat sees, in an order of its own, and the files they sent before their message."""

from migrations.sql import run_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_file("0005_webchat.sql")
