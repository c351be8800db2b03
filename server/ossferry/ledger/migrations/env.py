"""Alembic environment: runs the migrations on the connection in the Alembic configuration."""

from alembic import context

from ossferry.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
