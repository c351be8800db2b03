"""Table definitions of the ledger; a test checks that the migrations create the same tables.

Times are timezone-aware and in UTC. Sizes are in bytes. A CRC-64 is stored as decimal text, because
it does not fit into a signed 64-bit integer column.
"""

import unicodedata
from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

KEY_LENGTH = 1024
BYTES = {"sqlite": "BINARY", "postgresql": "C"}
"""The collation that sorts keys by their bytes, as OSS does."""

TOTAL = "total"
"""The `day` of the row that counts all days."""


class Utc(TypeDecorator[datetime]):
    """Column type for timezone-aware times in UTC.

    SQLite does not store the time zone, so this type adds UTC when it reads a value.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a time to UTC before storing it."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
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


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

principals = Table(
    "principals",
    metadata,
    Column("hash", String(16), primary_key=True),
    Column("label", String(200), nullable=False),
    Column("prefix", String(100), nullable=False, unique=True),
    Column("first_seen_at", Utc, nullable=False),
    Column("granted_until", Utc, nullable=False, index=True),  # when the newest credentials expire
    Column("reconciled_at", Utc),
    Column("revoked_at", Utc),
    Column("id", Text, nullable=False, server_default=""),  # empty if it is not known
)
grants = Table(
    "grants",
    metadata,
    Column("session_name", String(64), primary_key=True),
    Column("principal", ForeignKey("principals.hash"), nullable=False),
    Column("key_last4", String(4), nullable=False),
    Column("issued_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Index(None, "principal", "issued_at"),
)
receipts = Table(
    "receipts",
    metadata,
    Column("key", String(KEY_LENGTH), primary_key=True),
    Column("principal", ForeignKey("principals.hash"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("crc64", String(20), nullable=False),
    Column("etag", String(100), nullable=False),
    Column("content_type", String(200), nullable=False),
    Column("stored_at", Utc, nullable=False),  # according to OSS
    Column("recorded_at", Utc, nullable=False, index=True),
    Column("source", String(10), nullable=False),  # page, form, callback or found
    Column("request_id", String(64), nullable=False),
    Column("deleted_at", Utc),
    Column("undo_id", String(32), unique=True),
    Column("undo_how", String(KEY_LENGTH)),  # a key in the trash, or a version id
    Column("undo_until", Utc, index=True),
    Column("name", String(KEY_LENGTH), nullable=False, server_default=""),  # file name, case-folded
    # folders and file name, case-folded
    Column("path", String(KEY_LENGTH), nullable=False, server_default=""),
    Column("checks", JSON(none_as_null=True)),  # a claim of the page
    Index(None, "principal", "recorded_at"),
    Index(None, "principal", "crc64"),
)
holds = Table(
    "holds",
    metadata,
    Column("key", String(KEY_LENGTH), primary_key=True),  # without `INCOMING`
    Column("principal", ForeignKey("principals.hash"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("crc64", String(20), nullable=False),
    Column("etag", String(100), nullable=False),
    Column("content_type", String(200), nullable=False),
    Column("stored_at", Utc, nullable=False),  # according to OSS
    Column("recorded_at", Utc, nullable=False),
    Column("source", String(10), nullable=False),  # as in `receipts`
    Column("request_id", String(64), nullable=False),
    Column("name", String(KEY_LENGTH), nullable=False),  # file name, case-folded
    Column("path", String(KEY_LENGTH), nullable=False),  # folders and file name, case-folded
    Column("checks", JSON(none_as_null=True)),  # a claim of the page
    Column("state", String(10), nullable=False),  # waiting, held or removed
    Column("reason", String(500), nullable=False),  # why it is held
    Column("attempts", BigInteger, nullable=False),
    Column("next_at", Utc),  # when a scanner may take it; NULL unless it waits
    Column("holder", String(40), nullable=False),  # the scanner that has it
    Column("remove_at", Utc, index=True),
    Index(None, "principal", "recorded_at"),
    Index(None, "state", "next_at"),
)
quotas = Table(
    "quotas",
    metadata,
    Column("principal", ForeignKey("principals.hash"), primary_key=True),
    Column("bytes_day", BigInteger),
    Column("objects_day", BigInteger),
    Column("bytes_total", BigInteger),
    Column("objects_total", BigInteger),
)
usage = Table(
    "usage",
    metadata,
    Column("principal", ForeignKey("principals.hash"), primary_key=True),
    Column("day", String(10), primary_key=True),  # YYYY-MM-DD in UTC, or `TOTAL`
    Column("bytes", BigInteger, nullable=False),
    Column("objects", BigInteger, nullable=False),
)
shares = Table(
    "shares",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("principal", ForeignKey("principals.hash"), nullable=False),
    Column("key", String(KEY_LENGTH), nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("disposition", String(10), nullable=False),
    Column("process", Text, nullable=False),  # JSON
    Column("note", String(200), nullable=False),
    Column("password_hash", String(100), nullable=False, server_default=""),
    Column("opens", BigInteger),  # NULL: a presigned URL, whose use nobody counts
    Column("max_opens", BigInteger),  # NULL: any number
    Column("opened_at", Utc),
    Column("revoked_at", Utc),
    Index(None, "principal", "made_at"),
)
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("target", String(200), nullable=False),
    Column("event", Text, nullable=False),  # JSON
    Column("attempts", BigInteger, nullable=False),
    Column("next_at", Utc, index=True),  # NULL: delivered, or given up
    Column("made_at", Utc, nullable=False),
    Column("outcome", String(100), nullable=False),
)
leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(40), nullable=False),
    Column("until", Utc, nullable=False),
)
sign_outs = Table(
    "sign_outs",
    metadata,
    Column("session", String(64), primary_key=True),  # the random id in the session cookie
    Column("until", Utc, nullable=False, index=True),  # when all its cookies have expired
)
refusals = Table(
    "refusals",
    metadata,
    Column("key", String(KEY_LENGTH), primary_key=True),
    Column("principal", ForeignKey("principals.hash"), nullable=False),
    Column("etag", String(100), nullable=False),  # of the object that was refused
    Column("size", BigInteger, nullable=False),
    Column("crc64", String(20), nullable=False),
    Column("file_size", BigInteger, nullable=False),  # of the file that was sent
    Column("file_crc64", String(20), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("refused_at", Utc, nullable=False),
)
file_requests = Table(
    "file_requests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("principal", ForeignKey("principals.hash"), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),  # the link has the token
    Column("terms", JSON, nullable=False),  # what is asked for, and the limits
    Column("password_hash", String(200), nullable=False),  # empty without a password
    Column("made_at", Utc, nullable=False),
    Column("ends_at", Utc, nullable=False),
    Column("closed_at", Utc),
    Column("guests", BigInteger, nullable=False),
    Column("files", BigInteger, nullable=False),  # recorded, even if the owner has deleted them
    Column("bytes", BigInteger, nullable=False),
    Column("last_at", Utc),  # of the last file
    Index(None, "principal", "made_at"),
)
guests = Table(
    "guests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("request", ForeignKey("file_requests.id"), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("email", String(254), nullable=False),
    Column("fields", JSON, nullable=False),  # text by name of the field
    Column("first_at", Utc, nullable=False),
    Column("files", BigInteger, nullable=False),
)
