"""Runs a revision's SQL file."""

from importlib.resources import files

from alembic import op


def run_file(name: str) -> None:
    """Every statement of migrations/versions/NAME, waiting at most five seconds for any lock."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    with connection.cursor() as cursor:  # past SQLAlchemy, which would take a % for a placeholder
        cursor.execute("set local lock_timeout = '5s'")
        cursor.execute(files("migrations.versions").joinpath(name).read_text())
