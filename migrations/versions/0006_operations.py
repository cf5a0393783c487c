"""What running it needs: requests followed in the logs, channels in the metrics, and which database this is."""

from pathlib import Path

from migrations.sql import run_file

revision = "0006"
# Others write revisions at the same time; whichever are there, this one comes after them.
down_revision = max(
    file.name[:4] for file in Path(__file__).parent.glob("0*_*.py") if file.name[:4] < revision
)


def upgrade() -> None:
    run_file("0006_operations.sql")
