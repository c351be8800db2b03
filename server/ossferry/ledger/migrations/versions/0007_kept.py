"""Add an index of refused objects by principal, which speeds up the quota check."""

from alembic import op

revision = "0007"
down_revision = "0006"

INDEX = "ix_refusals_principal_refused_at"


def upgrade() -> None:
    """Apply this migration."""
    op.create_index(INDEX, "refusals", ["principal", "refused_at"])


def downgrade() -> None:
    """Revert this migration."""
    op.drop_index(INDEX, "refusals")
