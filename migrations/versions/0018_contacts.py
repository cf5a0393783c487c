"""One customer, many addresses: merges that can be taken back, verified visitors, and who may be the same person."""

from pathlib import Path

from migrations.sql import run_file

revision = "0018"
# Others before it are written by other hands at the same time; whichever are there, there is one line of revisions.
_before = (file.name[:4] for file in Path(__file__).parent.glob("0*.py") if file.name[:4] < revision)
down_revision = max(_before)


def upgrade() -> None:
    run_file("0018_contacts.sql")
