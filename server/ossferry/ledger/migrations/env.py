"""Alembic environment: runs the migrations on the connection in the Alembic configuration."""

from alembic import context

from ossferry.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter most columns; Alembic copies the table instead
)
with context.begin_transaction():
    context.run_migrations()
