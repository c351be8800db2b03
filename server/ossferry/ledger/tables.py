"""Table definitions of the ledger; a test checks that the migrations create the same tables.

Times are timezone-aware and in UTC. Sizes are in bytes. A CRC-64 is stored as decimal text, because
it does not fit into a signed 64-bit integer column.
"""

import unicodedata
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

KEY_LENGTH = 1024
BYTES = {"sqlite": "BINARY", "postgresql": "C"}
"""The collation that sorts keys by their bytes, as OSS does."""

TOTAL = "total"
"""The `day` of the row that counts all days."""


class Utc(sa.TypeDecorator[datetime]):
    """Column type for timezone-aware times in UTC.

    SQLite does not store the time zone, so this type adds UTC when it reads a value.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Convert a time to UTC before storing it."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return a stored time as a timezone-aware time in UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def day_of(moment: datetime) -> str:
    """Convert a time to UTC, and return its date as `YYYY-MM-DD`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def folded(text: str) -> str:
    """Return text with case folded, for searches that ignore case.

    Databases fold case differently, so the server folds the text itself.
    """
    return unicodedata.normalize("NFC", text.casefold())[:KEY_LENGTH]


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

principals = sa.Table(
    "principals",
    metadata,
    sa.Column("hash", sa.String(16), primary_key=True),
    sa.Column("label", sa.String(200), nullable=False),
    sa.Column("prefix", sa.String(100), nullable=False, unique=True),
    sa.Column("first_seen_at", Utc, nullable=False),
    # when the newest credentials expire
    sa.Column("granted_until", Utc, nullable=False, index=True),
    sa.Column("reconciled_at", Utc),
    sa.Column("revoked_at", Utc),
    sa.Column("id", sa.Text, nullable=False, server_default=""),  # empty if it is not known
)
grants = sa.Table(
    "grants",
    metadata,
    sa.Column("session_name", sa.String(64), primary_key=True),
    sa.Column("principal", sa.ForeignKey("principals.hash"), nullable=False),
    sa.Column("key_last4", sa.String(4), nullable=False),
    sa.Column("issued_at", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Index(None, "principal", "issued_at"),
)


def _of_upload() -> list[sa.Column[Any]]:
    """Return the columns that a receipt and a held upload have in common."""
    return [
        sa.Column("key", sa.String(KEY_LENGTH), primary_key=True),  # always without `INCOMING`
        sa.Column("principal", sa.ForeignKey("principals.hash"), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("crc64", sa.String(20), nullable=False),
        sa.Column("etag", sa.String(100), nullable=False),
        sa.Column("content_type", sa.String(200), nullable=False),
        sa.Column("stored_at", Utc, nullable=False),  # according to OSS
        sa.Column("source", sa.String(10), nullable=False),  # page, form, callback or found
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("checks", sa.JSON(none_as_null=True)),  # a claim of the page
        sa.Column("details", sa.JSON(none_as_null=True)),  # validated: `uploads.details.Validated`
    ]


receipts = sa.Table(
    "receipts",
    metadata,
    *_of_upload(),
    sa.Column("recorded_at", Utc, nullable=False, index=True),
    sa.Column("deleted_at", Utc),
    sa.Column("undo_id", sa.String(32), unique=True),
    sa.Column("undo_how", sa.String(KEY_LENGTH)),  # a key in the trash, or a version id
    sa.Column("undo_until", Utc, index=True),
    # file name, case-folded
    sa.Column("name", sa.String(KEY_LENGTH), nullable=False, server_default=""),
    # folders and file name, case-folded
    sa.Column("path", sa.String(KEY_LENGTH), nullable=False, server_default=""),
    # folders and file name that the owner has given; NULL: those in the key
    sa.Column("renamed_to", sa.String(KEY_LENGTH)),
    sa.Column("replaced_by", sa.String(KEY_LENGTH), index=True),  # the key of a later upload
    sa.Index(None, "principal", "recorded_at"),
    sa.Index(None, "principal", "crc64"),
    sa.Index(None, "principal", "path"),
)
holds = sa.Table(
    "holds",
    metadata,
    *_of_upload(),
    sa.Column("recorded_at", Utc, nullable=False),
    sa.Column("name", sa.String(KEY_LENGTH), nullable=False),  # file name, case-folded
    sa.Column("path", sa.String(KEY_LENGTH), nullable=False),  # folders and file name, case-folded
    sa.Column("state", sa.String(10), nullable=False),  # waiting, held or removed
    sa.Column("reason", sa.String(500), nullable=False),  # why it is held
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sa.Column("next_at", Utc),  # when a scanner may take it; NULL unless it waits
    sa.Column("holder", sa.String(40), nullable=False),  # the scanner that has it
    sa.Column("remove_at", Utc, index=True),
    # the key of the upload that it replaces after its release; empty for none
    sa.Column("replaces", sa.String(KEY_LENGTH), nullable=False, server_default=""),
    sa.Index(None, "principal", "recorded_at"),
    sa.Index(None, "state", "next_at"),
)
quotas = sa.Table(
    "quotas",
    metadata,
    sa.Column("principal", sa.ForeignKey("principals.hash"), primary_key=True),
    sa.Column("bytes_day", sa.BigInteger),
    sa.Column("objects_day", sa.BigInteger),
    sa.Column("bytes_total", sa.BigInteger),
    sa.Column("objects_total", sa.BigInteger),
)
usage = sa.Table(
    "usage",
    metadata,
    sa.Column("principal", sa.ForeignKey("principals.hash"), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),  # YYYY-MM-DD in UTC, or `TOTAL`
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("objects", sa.BigInteger, nullable=False),
)
shares = sa.Table(
    "shares",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("principal", sa.ForeignKey("principals.hash"), nullable=False),
    sa.Column("key", sa.String(KEY_LENGTH), nullable=False),
    sa.Column("made_at", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Column("disposition", sa.String(10), nullable=False),
    sa.Column("process", sa.Text, nullable=False),  # JSON
    sa.Column("note", sa.String(200), nullable=False),
    sa.Column("password_hash", sa.String(100), nullable=False, server_default=""),
    sa.Column("opens", sa.BigInteger),  # NULL: a presigned URL, whose use nobody counts
    sa.Column("max_opens", sa.BigInteger),  # NULL: any number
    sa.Column("opened_at", Utc),
    sa.Column("revoked_at", Utc),
    sa.Index(None, "principal", "made_at"),
)
shared_files = sa.Table(
    "shared_files",  # the other files of a link with several
    metadata,
    sa.Column("share", sa.ForeignKey("shares.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # from 1; the file in `shares` comes first
    sa.Column("key", sa.String(KEY_LENGTH), nullable=False),
)
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("target", sa.String(200), nullable=False),
    sa.Column("event", sa.Text, nullable=False),  # JSON
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sa.Column("next_at", Utc, index=True),  # NULL: delivered, or given up
    sa.Column("made_at", Utc, nullable=False),
    sa.Column("outcome", sa.String(100), nullable=False),
)
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("holder", sa.String(40), nullable=False),
    sa.Column("until", Utc, nullable=False),
)
sign_outs = sa.Table(
    "sign_outs",
    metadata,
    sa.Column("session", sa.String(64), primary_key=True),  # the random id in the session cookie
    sa.Column("until", Utc, nullable=False, index=True),  # when all its cookies have expired
)
refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("key", sa.String(KEY_LENGTH), primary_key=True),
    sa.Column("principal", sa.ForeignKey("principals.hash"), nullable=False),
    sa.Column("etag", sa.String(100), nullable=False),  # of the object that was refused
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("crc64", sa.String(20), nullable=False),
    sa.Column("file_size", sa.BigInteger, nullable=False),  # of the file that was sent
    sa.Column("file_crc64", sa.String(20), nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("refused_at", Utc, nullable=False),
)
file_requests = sa.Table(
    "file_requests",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("principal", sa.ForeignKey("principals.hash"), nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),  # the link has the token
    sa.Column("terms", sa.JSON, nullable=False),  # what is asked for, and the limits
    sa.Column("password_hash", sa.String(200), nullable=False),  # empty without a password
    sa.Column("made_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    sa.Column("closed_at", Utc),
    sa.Column("guests", sa.BigInteger, nullable=False),
    # recorded, even if the owner has deleted them
    sa.Column("files", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("last_at", Utc),  # of the last file
    sa.Index(None, "principal", "made_at"),
)
guests = sa.Table(
    "guests",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("request", sa.ForeignKey("file_requests.id"), nullable=False, index=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),  # text by name of the field
    sa.Column("first_at", Utc, nullable=False),
    sa.Column("files", sa.BigInteger, nullable=False),
)
