"""What a request with an Idempotency-Key was answered, so that the same request is answered the same."""

from migrations.sql import run_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_file("0002_idempotency.sql")
