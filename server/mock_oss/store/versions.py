"""Database queries for the noncurrent versions of objects and for delete markers; version ids.

The table of objects contains the current versions. The table `object_versions`, which this module
uses, contains the noncurrent versions and all delete markers, also the current ones. `sequence`
numbers the versions of a key: a newer version has a larger number. If a key has no row in the table
of objects, its newest row in `object_versions` is a delete marker.

A version id has the form of OSS: the text `CAEQ` and more base64. It contains the sequence number
of the version, so that a paged list can continue after a version that was deleted in the meantime.
"""

import re

from mock_oss.store.database import Database, columns
from mock_oss.store.records import ObjectRecord, VersionEntry
from mock_oss.store.tables import Table, prefix_range

_VERSION_ID = re.compile(r"CAEQ(?:([0-9a-f]{15})[0-9a-f]{32}|[A-Za-z0-9._]+)")
_COLUMNS = columns(ObjectRecord)
_DEMOTE = (
    f"INSERT INTO object_versions ({_COLUMNS}) SELECT {_COLUMNS} FROM objects "  # noqa: S608 - constants
    "WHERE bucket = ? AND key = ?"
)
_ENTRY = columns(VersionEntry).replace("is_latest", "{latest}")
_IS_NEWEST = (
    "NOT EXISTS (SELECT 1 FROM objects AS o WHERE o.bucket = v.bucket AND o.key = v.key) "
    "AND NOT EXISTS (SELECT 1 FROM object_versions AS n WHERE n.bucket = v.bucket "
    "AND n.key = v.key AND n.sequence > v.sequence)"
)


def version_id(sequence: int, digits: str) -> str:
    """Return the version id of a new version.

    Args:
        sequence: the number of the version; a newer version of the same key has a larger number.
        digits: 32 hex digits, which make the version id unique.
    """
    return f"CAEQ{sequence:015x}{digits}"


def sequence_of(text: str) -> int | None:
    """Return the sequence number in a version id, or None if the text is not a version id.

    The number is 0 for a version id of OSS that this mock has not made.
    """
    match = _VERSION_ID.fullmatch(text)
    return None if match is None else int(match[1] or "0", 16)


class Versions(Table[ObjectRecord]):
    """The database table of noncurrent versions and of all delete markers, also the current ones.

    The keys are the bucket's name, the object key and the version id. The methods change only
    database rows, not blobs (the stored data). Call the methods that change rows only inside a
    transaction.
    """

    def __init__(self, database: Database) -> None:
        key = ("bucket", "key", "version_id")
        super().__init__(database, "object_versions", ObjectRecord, *key)

    def newest(self, bucket: str, key: str) -> ObjectRecord | None:
        """Return the newest row of a key in this table, or None if there is none.

        It is a noncurrent version, or a delete marker. If the key has no current object, it is the
        current delete marker.
        """
        return next(iter(self.of_key(bucket, key, limit=1)), None)

    def demote(self, bucket: str, key: str) -> None:
        """Copy the row of the current version of an object into the table of noncurrent versions.

        The caller must delete or replace the row in the table of objects.
        """
        self._db.change(_DEMOTE, (bucket, key))

    def remove(self, record: ObjectRecord) -> None:
        """Delete the row of a noncurrent version or delete marker."""
        self.delete(record.bucket, record.key, record.version_id)

    def of_key(self, bucket: str, key: str, *, limit: int = -1) -> list[ObjectRecord]:
        """Return the noncurrent versions and delete markers of a key, newest first.

        Args:
            bucket: the bucket's name.
            key: the object key.
            limit: the largest number of rows; -1 for all rows.
        """
        query = f"{self._select}bucket = ? AND key = ? ORDER BY sequence DESC LIMIT ?"
        return self._db.rows(self._make, query, (bucket, key, limit))

    def entries(
        self, bucket: str, *, prefix: str, after: tuple[str, int], start: str, limit: int
    ) -> list[VersionEntry]:
        """Return one page of all versions and delete markers in a bucket, current and noncurrent.

        They are sorted by key; the versions and delete markers of one key are sorted newest first.

        Args:
            bucket: the bucket's name.
            prefix: return only keys with this prefix.
            after: a pair (key, sequence number): return only versions of greater keys, and versions
                of this key with a smaller sequence number.
            start: return only keys greater than or equal to this key.
            limit: the largest number of entries.
        """
        key, sequence = after
        where, in_range = prefix_range(bucket, prefix, start)
        where += " AND (key > ? OR (key = ? AND sequence < ?))"
        arguments = (*in_range, key, key, sequence)
        query = (
            f"SELECT {_ENTRY.format(latest=1)} FROM objects WHERE {where} UNION ALL "  # noqa: S608
            f"SELECT {_ENTRY.format(latest=_IS_NEWEST)} FROM object_versions AS v WHERE {where} "
            "ORDER BY key, sequence DESC LIMIT ?"
        )
        return self._db.rows(VersionEntry._make, query, (*arguments, *arguments, limit))

    def totals(self, bucket: str) -> list[tuple[str, str, int, int]]:
        """Return the totals of a bucket's noncurrent versions and of all its delete markers.

        Returns:
            A list of (kind, storage class, number of rows, bytes), with one tuple for each kind and
            storage class. The kind is the object type, or `DeleteMarker`.
        """
        query = (
            "SELECT kind, storage_class, count(*), sum(size) FROM object_versions "
            "WHERE bucket = ? GROUP BY kind, storage_class"
        )
        return self._db.rows(tuple, query, (bucket,))
