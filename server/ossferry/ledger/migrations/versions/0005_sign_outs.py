"""Add the table of signed-out sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply this migration."""
    op.create_table(
        "sign_outs",
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_sign_outs")),
    )
    op.create_index("ix_sign_outs_until", "sign_outs", ["until"])


def downgrade() -> None:
    """Revert this migration."""
    op.drop_index("ix_sign_outs_until", "sign_outs")
    op.drop_table("sign_outs")
