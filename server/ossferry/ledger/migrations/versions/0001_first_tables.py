"""Create the first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply this migration."""
    _create_deliveries()
    _create_leases()
    _create_principals()
    _create_grants()
    _create_quotas()
    _create_receipts()
    _create_shares()
    _create_usage()


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deliveries_next_at"), ["next_at"], unique=False)


def _create_leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )


def _create_principals() -> None:
    op.create_table(
        "principals",
        sa.Column("hash", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("prefix", sa.String(length=100), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_principals")),
        sa.UniqueConstraint("prefix", name=op.f("uq_principals_prefix")),
    )
    with op.batch_alter_table("principals", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_principals_granted_until"), ["granted_until"], unique=False
        )


def _create_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("session_name", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.String(length=16), nullable=False),
        sa.Column("key_last4", sa.String(length=4), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["principal"], ["principals.hash"], name=op.f("fk_grants_principal")
        ),
        sa.PrimaryKeyConstraint("session_name", name=op.f("pk_grants")),
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_grants_principal_issued_at"), ["principal", "issued_at"], unique=False
        )


def _create_quotas() -> None:
    op.create_table(
        "quotas",
        sa.Column("principal", sa.String(length=16), nullable=False),
        sa.Column("bytes_day", sa.BigInteger(), nullable=True),
        sa.Column("objects_day", sa.BigInteger(), nullable=True),
        sa.Column("bytes_total", sa.BigInteger(), nullable=True),
        sa.Column("objects_total", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["principal"], ["principals.hash"], name=op.f("fk_quotas_principal")
        ),
        sa.PrimaryKeyConstraint("principal", name=op.f("pk_quotas")),
    )


def _create_receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("key", sa.String(length=1024), nullable=False),
        sa.Column("principal", sa.String(length=16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("crc64", sa.String(length=20), nullable=False),
        sa.Column("etag", sa.String(length=100), nullable=False),
        sa.Column("content_type", sa.String(length=200), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undo_id", sa.String(length=32), nullable=True),
        sa.Column("undo_how", sa.String(length=1024), nullable=True),
        sa.Column("undo_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["principal"], ["principals.hash"], name=op.f("fk_receipts_principal")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_receipts")),
        sa.UniqueConstraint("undo_id", name=op.f("uq_receipts_undo_id")),
    )
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_receipts_principal_recorded_at"),
            ["principal", "recorded_at"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_receipts_undo_until"), ["undo_until"], unique=False)


def _create_shares() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("principal", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=1024), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disposition", sa.String(length=10), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["principal"], ["principals.hash"], name=op.f("fk_shares_principal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
    )
    with op.batch_alter_table("shares", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_shares_principal_made_at"), ["principal", "made_at"], unique=False
        )


def _create_usage() -> None:
    op.create_table(
        "usage",
        sa.Column("principal", sa.String(length=16), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["principal"], ["principals.hash"], name=op.f("fk_usage_principal")
        ),
        sa.PrimaryKeyConstraint("principal", "day", name=op.f("pk_usage")),
    )


def downgrade() -> None:
    """Revert this migration."""
    op.drop_table("usage")
    with op.batch_alter_table("shares", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shares_principal_made_at"))

    op.drop_table("shares")
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_receipts_undo_until"))
        batch_op.drop_index(batch_op.f("ix_receipts_principal_recorded_at"))

    op.drop_table("receipts")
    op.drop_table("quotas")
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grants_principal_issued_at"))

    op.drop_table("grants")
    with op.batch_alter_table("principals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_principals_granted_until"))

    op.drop_table("principals")
    op.drop_table("leases")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deliveries_next_at"))

    op.drop_table("deliveries")
