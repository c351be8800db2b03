"""Queries for the noncurrent versions of objects and for delete markers.

The table of objects contains the current versions. This table contains the other versions, and all
delete markers, also those that are current. `sequence` numbers the versions of a key: a newer
version has a larger number. If a key has no row in the table of objects, its newest row in this
table is a delete marker.
"""

from collections.abc import Iterable
from typing import Any

from mock_oss.store.database import Database
from mock_oss.store.records import DELETE_MARKER, ObjectRecord, VersionEntry
from mock_oss.store.tables import OBJECT_COLUMNS, after_prefix

_PLACES = ",".join("?" * len(ObjectRecord._fields))
_INSERT = f"REPLACE INTO object_versions ({OBJECT_COLUMNS}) VALUES ({_PLACES})"  # noqa: S608 - constants
_DEMOTE = (
    f"INSERT INTO object_versions ({OBJECT_COLUMNS}) SELECT {OBJECT_COLUMNS} FROM objects "  # noqa: S608 - constants
    "WHERE bucket = ? AND key = ?"
)
_GET = (
    f"SELECT {OBJECT_COLUMNS} FROM object_versions "  # noqa: S608 - constants
    "WHERE bucket = ? AND key = ? AND version_id = ?"
)
_NEWEST = (
    f"SELECT {OBJECT_COLUMNS} FROM object_versions "  # noqa: S608 - constants
    "WHERE bucket = ? AND key = ? ORDER BY sequence DESC LIMIT 1"
)
_ENTRY = (
    "key, size, etag, kind, storage_class, modified_ms, version_id, sequence, restored, {latest}"
)
_IS_NEWEST = (
    "NOT EXISTS (SELECT 1 FROM objects AS o WHERE o.bucket = v.bucket AND o.key = v.key) "
    "AND NOT EXISTS (SELECT 1 FROM object_versions AS n WHERE n.bucket = v.bucket "
    "AND n.key = v.key AND n.sequence > v.sequence)"
)
_RANGE = "bucket = ? AND key >= ? AND (key > ? OR (key = ? AND sequence < ?))"
_SINCE = (  # the time since when a version is not current: when the next version was created
    "SELECT key, version_id FROM (SELECT key, version_id, lag(modified_ms) OVER "
    "(PARTITION BY key ORDER BY sequence DESC) AS since FROM ("
    "SELECT key, version_id, sequence, modified_ms FROM objects WHERE {range} UNION ALL "
    "SELECT key, version_id, sequence, modified_ms FROM object_versions WHERE {range})) "
    "WHERE since <= ?"
)

_LONE_MARKERS = (
    "SELECT key, max(version_id) FROM object_versions WHERE {range} GROUP BY key "
    "HAVING count(*) = 1 AND max(kind) = ? "
    "AND NOT EXISTS (SELECT 1 FROM objects AS o WHERE o.bucket = object_versions.bucket "
    "AND o.key = object_versions.key)"
)


def _prefix_range(bucket: str, prefix: str) -> tuple[str, list[str]]:
    """Return an SQL condition for the keys of a bucket with a prefix, and its arguments."""
    end = after_prefix(prefix)
    if end is None:
        return "bucket = ? AND key >= ?", [bucket, prefix]
    return "bucket = ? AND key >= ? AND key < ?", [bucket, prefix, end]


class Versions:
    """The table of noncurrent versions and delete markers.

    The methods change only database rows, not blobs. Call the methods that change rows only inside
    a transaction.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, bucket: str, key: str, version_id: str) -> ObjectRecord | None:
        """Return a noncurrent version or a delete marker, or None."""
        with self._db.lock:
            row = self._db.execute(_GET, (bucket, key, version_id)).fetchone()
        return None if row is None else ObjectRecord._make(row)

    def newest(self, bucket: str, key: str) -> ObjectRecord | None:
        """Return the newest row of a key, or None.

        If the key has no current object, the result is the current delete marker.
        """
        with self._db.lock:
            row = self._db.execute(_NEWEST, (bucket, key)).fetchone()
        return None if row is None else ObjectRecord._make(row)

    def put(self, record: ObjectRecord) -> None:
        """Create or replace a noncurrent version or a delete marker."""
        with self._db.lock:
            self._db.execute(_INSERT, tuple(record))

    def demote(self, bucket: str, key: str) -> None:
        """Copy the row of the current object into this table."""
        self._db.execute(_DEMOTE, (bucket, key))

    def remove(self, record: ObjectRecord) -> None:
        """Delete the row of a version or delete marker."""
        self._db.execute(
            "DELETE FROM object_versions WHERE bucket = ? AND key = ? AND sequence = ?",
            (record.bucket, record.key, record.sequence),
        )

    def exist(self, bucket: str) -> bool:
        """Return whether a bucket has noncurrent versions or delete markers."""
        with self._db.lock:
            row = self._db.execute(
                "SELECT 1 FROM object_versions WHERE bucket = ? LIMIT 1", (bucket,)
            ).fetchone()
        return row is not None

    def of_key(self, bucket: str, key: str) -> list[ObjectRecord]:
        """Return the rows of a key, newest first."""
        with self._db.lock:
            rows = self._db.execute(
                f"SELECT {OBJECT_COLUMNS} FROM object_versions "  # noqa: S608 - constants
                "WHERE bucket = ? AND key = ? ORDER BY sequence DESC",
                (bucket, key),
            ).fetchall()
        return [ObjectRecord._make(row) for row in rows]

    def entries(
        self, bucket: str, *, prefix: str, after: tuple[str, int], start: str, limit: int
    ) -> list[VersionEntry]:
        """Return versions and delete markers, sorted by key, and for each key newest first.

        The result also contains the current objects.

        Args:
            bucket: the bucket's name.
            prefix: return only keys with this prefix.
            after: return only versions of greater keys, and versions of this key with a smaller
                sequence number.
            start: return only keys greater than or equal to this key.
            limit: the largest number of entries.
        """
        key, sequence = after
        where, end = _RANGE, after_prefix(prefix)
        arguments: list[str | int] = [bucket, max(prefix, start), key, key, sequence]
        if end is not None:
            where += " AND key < ?"
            arguments.append(end)
        query = (
            f"SELECT {_ENTRY.format(latest=1)} FROM objects WHERE {where} UNION ALL "  # noqa: S608
            f"SELECT {_ENTRY.format(latest=_IS_NEWEST)} FROM object_versions AS v WHERE {where} "
            "ORDER BY key, sequence DESC LIMIT ?"
        )
        with self._db.lock:
            rows = self._db.execute(query, (*arguments, *arguments, limit)).fetchall()
        return [VersionEntry._make(row) for row in rows]

    def lone_markers(self, bucket: str, prefix: str) -> list[tuple[str, str]]:
        """Return (key, version id) of the delete markers that are the only version of their key."""
        where, arguments = _prefix_range(bucket, prefix)
        with self._db.lock:
            return self._db.execute(
                _LONE_MARKERS.format(range=where), (*arguments, DELETE_MARKER)
            ).fetchall()

    def noncurrent_since(self, bucket: str, prefix: str, until_ms: int) -> list[tuple[str, str]]:
        """Return (key, version id) of the versions that have not been current since `until_ms`.

        Args:
            bucket: the bucket's name.
            prefix: return only keys with this prefix.
            until_ms: a time in milliseconds since the epoch.
        """
        where, arguments = _prefix_range(bucket, prefix)
        with self._db.lock:
            return self._db.execute(
                _SINCE.format(range=where), (*arguments, *arguments, until_ms)
            ).fetchall()

    def totals(self, bucket: str) -> list[tuple[str, str, int, int]]:
        """Return the totals of a bucket's rows in this table.

        Returns:
            (object type, storage class, number, bytes) for each type and storage class.
        """
        with self._db.lock:
            return self._db.execute(
                "SELECT kind, storage_class, count(*), sum(size) FROM object_versions "
                "WHERE bucket = ? GROUP BY kind, storage_class",
                (bucket,),
            ).fetchall()

    def all_segments(self) -> Iterable[str]:
        """Return the segments of every row, as one JSON text per row."""
        with self._db.lock:
            rows: list[Any] = self._db.execute(
                "SELECT segments FROM object_versions WHERE kind != ?", (DELETE_MARKER,)
            ).fetchall()
        return [row[0] for row in rows]
