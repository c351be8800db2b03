"""Database queries for buckets, objects, inventories and role sessions, one class per table.

Every method is atomic.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from mock_oss.store.database import Database, first
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
_ENTRY = "key, size, etag, kind, storage_class, modified_ms, restored"
_PUT = (  # updating an existing row is cheaper than REPLACE, which deletes it first
    f"INSERT INTO objects ({OBJECT_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "  # noqa: S608
    "ON CONFLICT (bucket, key) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in OBJECT_COLUMNS.split(", ")[2:])
)

_Row = TypeVar("_Row")


def _bucket(row: Any) -> BucketRecord:
    record = BucketRecord._make(row)
    return record._replace(block_public=bool(record.block_public))


def after_prefix(prefix: str) -> str | None:
    """Return the smallest text that is greater than all texts that start with `prefix`.

    Returns:
        The text, or None if there is none, for example for an empty prefix.
    """
    while prefix:
        last = ord(prefix[-1])
        prefix = prefix[:-1]
        if last < 0x10FFFF:
            following = last + 1
            return prefix + chr(0xE000 if 0xD800 <= following <= 0xDFFF else following)
    return None


def prefix_range(bucket: str, prefix: str, start: str = "") -> tuple[str, list[str]]:
    """Return an SQL condition that selects keys of a bucket, and the arguments of the condition.

    Args:
        bucket: the bucket's name.
        prefix: select only keys with this prefix.
        start: select only keys greater than or equal to this text.
    """
    end = after_prefix(prefix)
    if end is None:
        return "bucket = ? AND key >= ?", [bucket, max(prefix, start)]
    return "bucket = ? AND key >= ? AND key < ?", [bucket, max(prefix, start), end]


class Buckets:
    """The database table of buckets.

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
                record = self._db.row(_bucket, "SELECT * FROM buckets WHERE name = ?", (name,))
                if record is not None:
                    self._cache[name] = record
        return record

    def all(self) -> list[BucketRecord]:
        """Return all buckets, sorted by name."""
        return self._db.rows(_bucket, "SELECT * FROM buckets ORDER BY name")

    def put(self, record: BucketRecord) -> None:
        """Create or replace a bucket."""
        with self._db.lock:
            self._db.change("REPLACE INTO buckets VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", record)
            self._cache[record.name] = record

    def delete(self, name: str) -> None:
        """Delete the row of a bucket, but not the objects in it."""
        with self._db.lock:
            self._db.change("DELETE FROM buckets WHERE name = ?", (name,))
            self._cache.pop(name, None)

    def clear_cache(self) -> None:
        """Empty the cache; needed after the content of the database was replaced."""
        self._cache.clear()


class Objects:
    """The database table of objects. It contains only the current version of each object."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, bucket: str, key: str) -> ObjectRecord | None:
        """Return the current version of an object, or None if the object does not exist."""
        return self._db.row(ObjectRecord._make, _GET, (bucket, key))

    def existing(self, bucket: str, key: str) -> ExistingObject | None:
        """Return key, size, type, segments and version of an object, or None if there is none."""
        return self._db.row(ExistingObject._make, _EXISTING, (bucket, key))

    def put(self, record: ObjectRecord) -> None:
        """Create or replace the current version of an object."""
        self._db.change(_PUT, tuple(record))  # sqlite3 is faster with a plain tuple

    def delete(self, bucket: str, key: str) -> None:
        """Delete the current version of an object; do nothing if the object does not exist."""
        self._db.change("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key))

    def entries(
        self, bucket: str, *, prefix: str, after: str, start: str, limit: int
    ) -> list[ListEntry]:
        """Return one page of a bucket's objects, as entries for a ListObjects response.

        The objects are in byte order of their keys.

        Args:
            bucket: the bucket's name.
            prefix: return only keys with this prefix.
            after: return only keys greater than this key.
            start: return only keys greater than or equal to this key.
            limit: the largest number of objects.
        """
        return self._range(ListEntry._make, _ENTRY, bucket, prefix, after, start, limit)

    def page(
        self, bucket: str, *, prefix: str = "", after: str = "", limit: int = 1000
    ) -> list[ObjectRecord]:
        """Return one page of a bucket's objects, in byte order of their keys.

        Args:
            bucket: the bucket's name.
            prefix: return only keys with this prefix.
            after: return only keys greater than this key.
            limit: the largest number of objects.
        """
        return self._range(ObjectRecord._make, OBJECT_COLUMNS, bucket, prefix, after, "", limit)

    def _range(
        self,
        make: Callable[[Any], _Row],
        columns: str,
        bucket: str,
        prefix: str,
        after: str,
        start: str,
        limit: int,
    ) -> list[_Row]:
        where, arguments = prefix_range(bucket, prefix, start)
        query = f"SELECT {columns} FROM objects WHERE {where} AND key > ? ORDER BY key LIMIT ?"  # noqa: S608
        return self._db.rows(make, query, (*arguments, after, limit))

    def totals(self, bucket: str) -> list[tuple[str, int, int]]:
        """Return (storage class, number of objects, bytes) for each storage class in a bucket.

        Only current versions are counted.
        """
        query = (
            "SELECT storage_class, count(*), sum(size) FROM objects WHERE bucket = ? "
            "GROUP BY storage_class ORDER BY storage_class"
        )
        return self._db.rows(tuple, query, (bucket,))

    def last_modified_ms(self, bucket: str) -> int:
        """Return the time at which the newest object of a bucket was modified.

        Returns:
            Milliseconds since the epoch, or 0 for a bucket without objects.
        """
        query = "SELECT coalesce(max(modified_ms), 0) FROM objects WHERE bucket = ?"
        return int(self._db.rows(first, query, (bucket,))[0])

    def all_segments(self) -> list[str]:
        """Return the segments (blob slices) of every stored object, as one JSON text per object."""
        return self._db.rows(first, "SELECT segments FROM objects")


class Inventories:
    """The database table of inventory configurations, by bucket and inventory id.

    A configuration is stored as XML text.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, bucket: str, inventory_id: str) -> str | None:
        """Return an inventory configuration as XML text, or None if there is none with this id."""
        query = "SELECT configuration FROM inventories WHERE bucket = ? AND id = ?"
        return self._db.row(first, query, (bucket, inventory_id))

    def put(self, bucket: str, inventory_id: str, configuration: str) -> None:
        """Store a new inventory configuration, which is XML text.

        Raises:
            sqlite3.IntegrityError: the bucket has a configuration with this id.
        """
        self._db.change(
            "INSERT INTO inventories VALUES (?,?,?)", (bucket, inventory_id, configuration)
        )

    def page(self, bucket: str, *, after: str = "", limit: int) -> list[tuple[str, str]]:
        """Return one page of a bucket's inventory configurations, sorted by id.

        Args:
            bucket: the bucket's name.
            after: return only configurations with an id greater than this text.
            limit: the largest number of configurations.

        Returns:
            A list of (id, configuration) pairs; the configurations are XML text.
        """
        query = (
            "SELECT id, configuration FROM inventories WHERE bucket = ? AND id > ? "
            "ORDER BY id LIMIT ?"
        )
        return self._db.rows(tuple, query, (bucket, after, limit))

    def delete(self, bucket: str, inventory_id: str) -> None:
        """Delete an inventory configuration; do nothing if it does not exist."""
        query = "DELETE FROM inventories WHERE bucket = ? AND id = ?"
        self._db.change(query, (bucket, inventory_id))

    def delete_bucket_rows(self, bucket: str) -> None:
        """Delete all inventory configurations of a bucket."""
        self._db.change("DELETE FROM inventories WHERE bucket = ?", (bucket,))


class Sessions:
    """The database table of role sessions, which AssumeRole creates."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, access_key_id: str) -> SessionRecord | None:
        """Return the role session with this access key id, or None if there is none."""
        query = "SELECT * FROM sessions WHERE access_key_id = ?"
        return self._db.row(SessionRecord._make, query, (access_key_id,))

    def has_token(self, security_token: str) -> bool:
        """Return whether a role session has this security token."""
        query = "SELECT 1 FROM sessions WHERE security_token = ?"
        return self._db.row(first, query, (security_token,)) is not None

    def put(self, record: SessionRecord) -> None:
        """Create or replace a role session."""
        self._db.change("REPLACE INTO sessions VALUES (?,?,?,?,?,?,?)", record)

    def expire_all(self, at_ms: int) -> None:
        """Let all role sessions expire at `at_ms`, except those that expire earlier anyway.

        Args:
            at_ms: the new expiration time, in milliseconds since the epoch.
        """
        self._db.change("UPDATE sessions SET expires_ms = min(expires_ms, ?)", (at_ms,))
