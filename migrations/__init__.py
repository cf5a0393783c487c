"""Database migrations: expand, backfill, contract. SQL by hand, one file a revision."""
