"""The SQLite database of the store: schema, connection, and exclusive use of the data directory."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

from mock_oss.errors import DataDirError, DataDirInUseError
from mock_oss.store import records

_Row = TypeVar("_Row")
FORMAT_VERSION = 3
TABLES: Mapping[str, tuple[type[NamedTuple], str]] = {
    "buckets": (records.BucketRecord, "name"),
    "objects": (records.ObjectRecord, "bucket, key"),
    "object_versions": (records.ObjectRecord, "bucket, key, sequence DESC"),
    "uploads": (records.UploadRecord, "upload_id"),
    "parts": (records.PartRecord, "upload_id, number"),
    "cnames": (records.Cname, "domain"),
    "cname_tokens": (records.CnameToken, "domain, bucket"),
    "cname_certificates": (records.CnameCertificate, "domain"),
    "sessions": (records.SessionRecord, "access_key_id"),
}
"""Table -> (the type of its records, its primary key); the table of small blobs has no records."""
_EXTRAS = """
CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, upload_id);
CREATE TABLE IF NOT EXISTS small_blobs (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
"""


@cache
def columns(record: type[NamedTuple]) -> str:
    """Return the columns of a table, or of a part of it, as a list in SQL.

    The columns have the names of the record's fields; a column with JSON text lacks their `_json`.
    """
    return ", ".join(name.removesuffix("_json") for name in record._fields)


def _create(table: str, record: type[NamedTuple], key: str) -> str:
    types = get_type_hints(record).values()
    typed = (
        f"{column} {'TEXT' if kind is str else 'INTEGER'} NOT NULL"
        for column, kind in zip(columns(record).split(", "), types, strict=True)
    )
    listed = ", ".join(typed)
    return f"CREATE TABLE IF NOT EXISTS {table} ({listed}, PRIMARY KEY ({key})) WITHOUT ROWID;"


def first(row: Any) -> Any:
    """Return the first column of a row."""
    return row[0]


class Database:
    """The SQLite connection that all threads share.

    A thread must hold `lock` while it uses the connection. The methods `row`, `rows` and `change`
    acquire the lock themselves.

    Args:
        directory: the data directory.
        is_temporary: True if the data may be lost in a power failure. SQLite then never waits for
            the disk, so that a mock in a test starts and stops faster.

    Raises:
        DataDirError: the directory cannot be used, or its format is not supported.
        DataDirInUseError: another mock uses the directory.
    """

    def __init__(self, directory: Path, *, is_temporary: bool = False) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._claim = os.open(directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as e:
            raise DataDirError(f"cannot use the data directory {directory}: {e.strerror}") from e
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            os.close(self._claim)
            raise DataDirInUseError(f"another mock uses the data directory {directory}") from e
        self.lock = threading.RLock()
        try:
            self.connection = sqlite3.connect(
                directory / "mock_oss.sqlite3", isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as e:
            os.close(self._claim)
            raise DataDirError(f"cannot use the data directory {directory}: {e}") from e
        self.execute = self.connection.execute
        try:
            self._prepare("OFF" if is_temporary else "NORMAL")
        except sqlite3.Error as e:
            self.close()
            raise DataDirError(f"{directory}/mock_oss.sqlite3: {e}") from e

    def _prepare(self, synchronous: str) -> None:
        version = self.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, FORMAT_VERSION):
            self.close()
            raise DataDirError(
                f"another release of the mock has written the data directory (format {version},"
                f" not {FORMAT_VERSION}); delete the directory, or use another one"
            )
        self.execute("PRAGMA locking_mode = EXCLUSIVE")  # safe: the lock file excludes other mocks
        self.execute(f"PRAGMA synchronous = {synchronous}")
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA wal_autocheckpoint = 4000")
        self.execute("PRAGMA cache_size = -16000")
        tables = (_create(name, *about) for name, about in TABLES.items())
        self.connection.executescript("".join(tables) + _EXTRAS)
        self.execute(f"PRAGMA user_version = {FORMAT_VERSION}")

    def row(
        self, make: Callable[[Any], _Row], query: str, arguments: Sequence[object]
    ) -> _Row | None:
        """Return the first row of a query, converted by the function `make`, or None for no row."""
        with self.lock:
            found = self.execute(query, arguments).fetchone()
        return None if found is None else make(found)

    def rows(
        self, make: Callable[[Any], _Row], query: str, arguments: Sequence[object] = ()
    ) -> list[_Row]:
        """Return all rows of a query, each converted by the function `make`."""
        with self.lock:
            found = self.execute(query, arguments).fetchall()
        return [make(row) for row in found]

    def change(self, query: str, arguments: Sequence[object]) -> int:
        """Run a statement that changes rows, such as INSERT; return the number of changed rows."""
        with self.lock:
            return self.execute(query, arguments).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Context manager for a transaction, which holds the lock.

        The transaction is committed at the end of the `with` block, and rolled back on an
        exception.
        """
        with self.lock:
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.execute("ROLLBACK")
                raise
            self.execute("COMMIT")

    def clear(self) -> None:
        """Delete all rows of all tables."""
        with self.transaction():
            for table in (*TABLES, "small_blobs"):
                self.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant name

    def close(self) -> None:
        """Close the database file, and let other mocks use the data directory."""
        with self.lock:
            self.connection.close()
        os.close(self._claim)
