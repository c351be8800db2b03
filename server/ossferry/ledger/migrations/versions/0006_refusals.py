"""Add the table of uploads that the page refused."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply this migration."""
    op.create_table(
        "refusals",
        sa.Column("key", sa.String(length=1024), nullable=False),
        sa.Column("principal", sa.String(length=16), nullable=False),
        sa.Column("etag", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("crc64", sa.String(length=20), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("file_crc64", sa.String(length=20), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trash_key", sa.String(length=1024), nullable=True),
        sa.Column("trash_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["principal"], ["principals.hash"], name=op.f("fk_refusals_principal")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_refusals")),
    )
    op.create_index("ix_refusals_trash_until", "refusals", ["trash_until"])


def downgrade() -> None:
    """Revert this migration."""
    op.drop_index("ix_refusals_trash_until", "refusals")
    op.drop_table("refusals")
