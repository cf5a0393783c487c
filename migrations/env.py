"""Alembic's way in. The connection is handed over by store.migrate; there is no other way to run this."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
