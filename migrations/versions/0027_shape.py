"""What an admin shapes: versions of schemas and rules, why a field changed, rules on a schedule, outgoing webhooks."""

from migrations.sql import run_file

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_file("0027_shape.sql")
