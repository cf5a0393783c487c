"""What a visitor of the web chat sees, in an order of its own, and the files they sent before their message."""

from pathlib import Path

from migrations.sql import run_file

revision = "0005"
# 0003 and 0004 are written by other hands at the same time; whichever is there, there is one line of revisions.
_before = (path.name[:4] for path in Path(__file__).parent.glob("000[1-4]_*.py"))
down_revision = max(_before)


def upgrade() -> None:
    run_file("0005_webchat.sql")
