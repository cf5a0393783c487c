"""What running it needs: requests followed in the logs, channels in the metrics, and which database this is."""

from migrations.sql import run_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_file("0006_operations.sql")
