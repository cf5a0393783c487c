"""Knowledge: documents read in versions, postings for BM25, vectors, and the questions that nobody could answer."""

from migrations.sql import run_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_file("0011_knowledge.sql")
