"""What is kept of somebody's refused uploads counts in their quota."""

from alembic import op

revision = "0007"
down_revision = "0006"

INDEX = "ix_refusals_principal_refused_at"


def upgrade() -> None:
    """Go forward."""
    op.create_index(INDEX, "refusals", ["principal", "refused_at"])


def downgrade() -> None:
    """Go back."""
    op.drop_index(INDEX, "refusals")
