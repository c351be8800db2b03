"""Create all tables. The ledgers of earlier releases have the same tables at this revision."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply this migration."""
    _create_people()
    _create_uploads()
    _create_events()


def _create_people() -> None:
    op.create_table(
        "principals",
        sa.Column("hash", sa.String(16), primary_key=True),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("prefix", sa.String(100), nullable=False, unique=True),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("granted_until", TIME, nullable=False, index=True),
        sa.Column("reconciled_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.Column("id", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "grants",
        sa.Column("session_name", sa.String(64), primary_key=True),
        _principal(),
        sa.Column("key_last4", sa.String(4), nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Index(None, "principal", "issued_at"),
    )
    op.create_table(
        "quotas",
        _principal(primary_key=True),
        sa.Column("bytes_day", sa.BigInteger),
        sa.Column("objects_day", sa.BigInteger),
        sa.Column("bytes_total", sa.BigInteger),
        sa.Column("objects_total", sa.BigInteger),
    )
    op.create_table(
        "usage",
        _principal(primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("objects", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sign_outs",
        sa.Column("session", sa.String(64), primary_key=True),
        sa.Column("until", TIME, nullable=False, index=True),
    )


def _create_uploads() -> None:
    op.create_table(
        "receipts",
        sa.Column("key", sa.String(1024), primary_key=True),
        _principal(),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("crc64", sa.String(20), nullable=False),
        sa.Column("etag", sa.String(100), nullable=False),
        sa.Column("content_type", sa.String(200), nullable=False),
        sa.Column("stored_at", TIME, nullable=False),
        sa.Column("recorded_at", TIME, nullable=False, index=True),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("deleted_at", TIME),
        sa.Column("undo_id", sa.String(32), unique=True),
        sa.Column("undo_how", sa.String(1024)),
        sa.Column("undo_until", TIME, index=True),
        sa.Column("name", sa.String(1024), nullable=False, server_default=""),
        sa.Column("path", sa.String(1024), nullable=False, server_default=""),
        sa.Column("checks", sa.JSON),
        sa.Index(None, "principal", "recorded_at"),
        sa.Index(None, "principal", "crc64"),
    )
    op.create_table(
        "shares",
        sa.Column("id", sa.String(32), primary_key=True),
        _principal(),
        sa.Column("key", sa.String(1024), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("disposition", sa.String(10), nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Index(None, "principal", "made_at"),
    )
    op.create_table(
        "refusals",
        sa.Column("key", sa.String(1024), primary_key=True),
        _principal(),
        sa.Column("etag", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("crc64", sa.String(20), nullable=False),
        sa.Column("file_size", sa.BigInteger, nullable=False),
        sa.Column("file_crc64", sa.String(20), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("refused_at", TIME, nullable=False),
    )


def _create_events() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("target", sa.String(200), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("next_at", TIME, index=True),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("outcome", sa.String(100), nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("holder", sa.String(40), nullable=False),
        sa.Column("until", TIME, nullable=False),
    )


def _principal(*, primary_key: bool = False) -> sa.Column[str]:
    refers = sa.ForeignKey("principals.hash")
    return sa.Column("principal", sa.String(16), refers, primary_key=primary_key, nullable=False)
