"""What an admin shapes: versions of schemas and rules, why a field changed, rules on a schedule, outgoing webhooks."""

from migrations.sql import run_file

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_file("0015_shape.sql")
