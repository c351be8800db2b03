"""Queries for buckets, objects and role sessions, one class per table. Every method is atomic."""

from collections.abc import Iterable
from typing import Any

from mock_oss.store.database import Database
from mock_oss.store.records import (
    BucketRecord,
    ExistingObject,
    ListEntry,
    ObjectRecord,
    SessionRecord,
)

OBJECT_COLUMNS = (
    "bucket, key, size, etag, crc64, md5, kind, storage_class, acl, modified_ms, headers, tagging, "
    "segments, version_id, sequence, restored"
)
_GET = f"SELECT {OBJECT_COLUMNS} FROM objects WHERE bucket = ? AND key = ?"  # noqa: S608 - constants
_EXISTING = (
    "SELECT key, size, kind, segments, version_id, sequence FROM objects "
    "WHERE bucket = ? AND key = ?"
)
_PUT = (  # updating an existing row is cheaper than REPLACE, which deletes it first
    f"INSERT INTO objects ({OBJECT_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "  # noqa: S608
    "ON CONFLICT (bucket, key) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in OBJECT_COLUMNS.split(", ")[2:])
)


def _bucket(row: Any) -> BucketRecord:
    record = BucketRecord._make(row)
    return record._replace(block_public=bool(record.block_public))


def after_prefix(prefix: str) -> str | None:
    """Return the smallest text that is greater than all texts that start with `prefix`.

    Returns:
        None if there is no such text, for example for an empty prefix.
    """
    while prefix:
        last = ord(prefix[-1])
        prefix = prefix[:-1]
        if last < 0x10FFFF:
            following = last + 1
            return prefix + chr(0xE000 if 0xD800 <= following <= 0xDFFF else following)
    return None


class Buckets:
    """The table of buckets.

    The table has a cache, because the mock looks up a bucket for every request.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._cache: dict[str, BucketRecord] = {}

    def get(self, name: str) -> BucketRecord | None:
        """Return a bucket, or None if the bucket does not exist."""
        record = self._cache.get(name)
        if record is None:
            with self._db.lock:
                row = self._db.execute("SELECT * FROM buckets WHERE name = ?", (name,)).fetchone()
                if row is None:
                    return None
                record = self._cache[name] = _bucket(row)
        return record

    def all(self) -> list[BucketRecord]:
        """Return all buckets, sorted by name."""
        with self._db.lock:
            rows = self._db.execute("SELECT * FROM buckets ORDER BY name").fetchall()
        return [_bucket(row) for row in rows]

    def put(self, record: BucketRecord) -> None:
        """Create or replace a bucket."""
        with self._db.lock:
            self._db.execute("REPLACE INTO buckets VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", record)
            self._cache[record.name] = record

    def delete(self, name: str) -> None:
        """Delete the row of a bucket."""
        with self._db.lock:
            self._db.execute("DELETE FROM buckets WHERE name = ?", (name,))
            self._cache.pop(name, None)

    def clear_cache(self) -> None:
        """Empty the cache; call this method after the content of the database was replaced."""
        self._cache.clear()


class Objects:
    """The table of objects."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, bucket: str, key: str) -> ObjectRecord | None:
        """Return an object, or None if the object does not exist."""
        with self._db.lock:
            row = self._db.execute(_GET, (bucket, key)).fetchone()
        return None if row is None else ObjectRecord._make(row)

    def existing(self, bucket: str, key: str) -> ExistingObject | None:
        """Return an object as ExistingObject, or None if the object does not exist.

        This method reads only the fields that are needed before the object is replaced.
        """
        with self._db.lock:
            row = self._db.execute(_EXISTING, (bucket, key)).fetchone()
        return None if row is None else ExistingObject._make(row)

    def put(self, record: ObjectRecord) -> None:
        """Create or replace an object."""
        with self._db.lock:
            self._db.execute(_PUT, tuple(record))  # sqlite3 is faster with a plain tuple

    def delete(self, bucket: str, key: str) -> None:
        """Delete the row of an object; do nothing if the object does not exist."""
        with self._db.lock:
            self._db.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key))

    def entries(
        self, bucket: str, *, prefix: str, after: str, start: str, limit: int
    ) -> list[ListEntry]:
        """Return objects in byte order of their keys, as entries for a ListObjects response.

        The arguments are the same as for `page`.
        """
        rows = self._range(
            "key, size, etag, kind, storage_class, modified_ms, restored",
            bucket,
            prefix,
            after,
            start,
            limit,
        )
        return [ListEntry._make(row) for row in rows]

    def page(
        self, bucket: str, *, prefix: str = "", after: str = "", start: str = "", limit: int = 1000
    ) -> list[ObjectRecord]:
        """Return the current versions of a bucket's objects, in the order of the keys' bytes.

        Args:
            bucket: the bucket's name.
            prefix: return only keys with this prefix.
            after: return only keys greater than this key.
            start: return only keys greater than or equal to this key.
            limit: the largest number of objects.
        """
        rows = self._range(OBJECT_COLUMNS, bucket, prefix, after, start, limit)
        return [ObjectRecord._make(row) for row in rows]

    def _range(
        self, columns: str, bucket: str, prefix: str, after: str, start: str, limit: int
    ) -> list[Any]:
        end = after_prefix(prefix)
        query = f"SELECT {columns} FROM objects WHERE bucket = ? AND key >= ? AND key > ?"  # noqa: S608
        arguments: list[str | int] = [bucket, max(prefix, start), after]
        if end is not None:
            query += " AND key < ?"
            arguments.append(end)
        query += " ORDER BY key LIMIT ?"
        with self._db.lock:
            return self._db.execute(query, (*arguments, limit)).fetchall()

    def totals(self, bucket: str) -> list[tuple[str, int, int]]:
        """Return (storage class, number of objects, bytes) for each storage class of a bucket."""
        with self._db.lock:
            return self._db.execute(
                "SELECT storage_class, count(*), sum(size) FROM objects WHERE bucket = ? "
                "GROUP BY storage_class ORDER BY storage_class",
                (bucket,),
            ).fetchall()

    def last_modified_ms(self, bucket: str) -> int:
        """Return the latest modification time of the objects in a bucket.

        Returns:
            Milliseconds since the epoch, or 0 for a bucket without objects.
        """
        with self._db.lock:
            row = self._db.execute(
                "SELECT coalesce(max(modified_ms), 0) FROM objects WHERE bucket = ?", (bucket,)
            ).fetchone()
        return int(row[0])

    def all_segments(self) -> Iterable[str]:
        """Return the segments of every stored object, as one JSON text per object."""
        with self._db.lock:
            return [row[0] for row in self._db.execute("SELECT segments FROM objects")]


class Sessions:
    """The table of role sessions."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, access_key_id: str) -> SessionRecord | None:
        """Return the role session with this access key id, or None."""
        with self._db.lock:
            row = self._db.execute(
                "SELECT * FROM sessions WHERE access_key_id = ?", (access_key_id,)
            ).fetchone()
        return None if row is None else SessionRecord._make(row)

    def has_token(self, security_token: str) -> bool:
        """Return whether a role session has this security token."""
        with self._db.lock:
            row = self._db.execute(
                "SELECT 1 FROM sessions WHERE security_token = ?", (security_token,)
            ).fetchone()
        return row is not None

    def put(self, record: SessionRecord) -> None:
        """Create or replace a role session."""
        with self._db.lock:
            self._db.execute("REPLACE INTO sessions VALUES (?,?,?,?,?,?,?)", record)

    def expire_all(self, at_ms: int) -> None:
        """End all role sessions at `at_ms`; sessions that expire earlier do not change.

        Args:
            at_ms: the new expiration time, in milliseconds since the epoch.
        """
        with self._db.lock:
            self._db.execute("UPDATE sessions SET expires_ms = min(expires_ms, ?)", (at_ms,))
