"""Database queries, one class per table or group of tables; every method is atomic.

`Versions`, which uses the table `object_versions`, is in `mock_oss.store.versions`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from mock_oss.store.database import Database, columns, first
from mock_oss.store.records import (
    BucketRecord,
    Cname,
    CnameCertificate,
    CnameToken,
    ExistingObject,
    ListEntry,
    ObjectRecord,
    PartRecord,
    SessionRecord,
    UploadRecord,
)

_Row = TypeVar("_Row", bound=NamedTuple)
_Part = TypeVar("_Part", bound=NamedTuple)


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


class Table(Generic[_Row]):
    """One database table: reads, writes and deletes its rows, which are records.

    Args:
        database: the database.
        name: the name of the table.
        record: the type of its records.
        key: the columns that identify a row. The methods accept the values of all of them, or of
            the first ones for several rows.
    """

    def __init__(self, database: Database, name: str, record: type[_Row], *key: str) -> None:
        self._db, self._key = database, key
        tests = [f"{column} = ?" for column in key]
        self._where = [" AND ".join(tests[:count]) for count in range(len(key) + 1)]
        self._make: Callable[[Any], _Row] = record._make
        self._select = f"SELECT {columns(record)} FROM {name} WHERE "  # noqa: S608 - constants
        self._delete = f"DELETE FROM {name} WHERE "  # noqa: S608 - constants
        places = ",".join("?" * len(record._fields))
        self._put = f"REPLACE INTO {name} ({columns(record)}) VALUES ({places})"  # noqa: S608 - constants

    def get(self, *key: str) -> _Row | None:
        """Return the row with this key, or None if there is none."""
        return self._db.row(self._make, self._select + self._where[len(key)], key)

    def rows(self, *key: str, after: str | int = "", limit: int = -1) -> list[_Row]:
        """Return rows with the same first values of the key, sorted by the next one.

        Args:
            key: the first values of the key.
            after: return only rows whose next value of the key is greater.
            limit: the largest number of rows; -1 for all rows.
        """
        column = self._key[len(key)]
        where = " AND ".join(filter(None, (self._where[len(key)], f"{column} > ?")))
        query = f"{self._select}{where} ORDER BY {column} LIMIT ?"
        return self._db.rows(self._make, query, (*key, after, limit))

    def put(self, record: _Row) -> None:
        """Create or replace a row."""
        self._db.change(self._put, tuple(record))  # sqlite3 is faster with a plain tuple

    def delete(self, *key: str) -> int:
        """Delete the rows whose key begins with these values; return the number of rows."""
        return self._db.change(self._delete + self._where[len(key)], key)


class Buckets(Table[BucketRecord]):
    """The database table of buckets.

    The table has a cache, because the mock looks up a bucket for every request.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, "buckets", BucketRecord, "name")
        self._make = _bucket
        self._cache: dict[tuple[str, ...], BucketRecord] = {}

    def get(self, *key: str) -> BucketRecord | None:
        """Return the bucket with this name, or None if it does not exist."""
        record = self._cache.get(key)
        if record is None:
            with self._db.lock:
                record = super().get(*key)
                if record is not None:
                    self._cache[key] = record
        return record

    def put(self, record: BucketRecord) -> None:
        """Create or replace a bucket."""
        with self._db.lock:
            super().put(record)
            self._cache[record.name,] = record

    def delete(self, *key: str) -> int:
        """Delete the row of the bucket with this name, but not the objects in it."""
        with self._db.lock:
            self._cache.pop(key, None)
            return super().delete(*key)

    def clear_cache(self) -> None:
        """Empty the cache; needed after the content of the database was replaced."""
        self._cache.clear()


def _bucket(row: Any) -> BucketRecord:
    record = BucketRecord._make(row)
    return record._replace(block_public=bool(record.block_public))


class Objects(Table[ObjectRecord]):
    """The database table of objects. It contains only the current version of each object."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "objects", ObjectRecord, "bucket", "key")
        changes = (f"{name} = excluded.{name}" for name in columns(ObjectRecord).split(", ")[2:])
        # Updating an existing row is cheaper than REPLACE, which deletes it first.
        self._put = self._put.replace("REPLACE", "INSERT", 1) + (
            f" ON CONFLICT (bucket, key) DO UPDATE SET {', '.join(changes)}"
        )

    def existing(self, bucket: str, key: str) -> ExistingObject | None:
        """Return key, size, type, segments and version of an object, or None if there is none."""
        query = f"SELECT {columns(ExistingObject)} FROM objects WHERE bucket = ? AND key = ?"  # noqa: S608 - constants
        return self._db.row(ExistingObject._make, query, (bucket, key))

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
        return self._range(ListEntry, prefix_range(bucket, prefix, start), after, limit)

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
        return self._range(ObjectRecord, prefix_range(bucket, prefix), after, limit)

    def _range(
        self, part: type[_Part], keys: tuple[str, list[str]], after: str, limit: int
    ) -> list[_Part]:
        where = f"{keys[0]} AND key > ? ORDER BY key LIMIT ?"
        query = f"SELECT {columns(part)} FROM objects WHERE {where}"  # noqa: S608 - constants
        return self._db.rows(part._make, query, (*keys[1], after, limit))

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


class Uploads(Table[UploadRecord]):
    """The database tables of multipart uploads in progress and their parts.

    The methods change only database rows, not blobs (the stored data). After the commit, the caller
    must delete the blobs of deleted parts.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, "uploads", UploadRecord, "upload_id")
        self._parts = Table(database, "parts", PartRecord, "upload_id", "number")

    def page(
        self,
        bucket: str,
        *,
        prefix: str = "",
        after: tuple[str, str] = ("", ""),
        limit: int = 1_000_000,
    ) -> list[UploadRecord]:
        """Return one page of the multipart uploads in a bucket, sorted by key and upload id.

        Args:
            bucket: the bucket's name.
            prefix: return only uploads whose keys have this prefix.
            after: a pair (key, upload id): return only uploads that follow this pair in the order.
            limit: the largest number of uploads.
        """
        where, arguments = prefix_range(bucket, prefix)
        where += " AND (key, upload_id) > (?, ?) ORDER BY key, upload_id LIMIT ?"
        return self._db.rows(self._make, self._select + where, (*arguments, *after, limit))

    def put_part(self, part: PartRecord) -> PartRecord | None:
        """Store the row of a part; return the replaced row with the same part number, or None.

        Raises:
            KeyError: the upload does not exist any more.
        """
        with self._db.transaction():
            if self.get(part.upload_id) is None:
                raise KeyError(part.upload_id)
            replaced = self.parts(part.upload_id, after=part.number - 1, limit=1)
            self._parts.put(part)
        return replaced[0] if replaced and replaced[0].number == part.number else None

    def parts(self, upload_id: str, *, after: int = 0, limit: int = 10_000) -> list[PartRecord]:
        """Return the parts of an upload, sorted by part number.

        Args:
            upload_id: the id of the upload.
            after: return only parts with a larger number.
            limit: the largest number of parts to return.
        """
        return self._parts.rows(upload_id, after=after, limit=limit)

    def delete(self, *key: str) -> int:
        """Delete the rows of the multipart upload with this id, and of its parts.

        Call this method only inside a transaction.
        """
        self._parts.delete(*key)
        return super().delete(*key)

    def count(self, bucket: str) -> int:
        """Return the number of multipart uploads in progress in a bucket."""
        query = "SELECT count(*) FROM uploads WHERE bucket = ?"
        return int(self._db.rows(first, query, (bucket,))[0])


class Sessions(Table[SessionRecord]):
    """The database table of role sessions, which AssumeRole creates."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "sessions", SessionRecord, "access_key_id")

    def has_token(self, security_token: str) -> bool:
        """Return whether a role session has this security token."""
        query = "SELECT 1 FROM sessions WHERE security_token = ?"
        return self._db.row(first, query, (security_token,)) is not None

    def expire_all(self, at_ms: int) -> None:
        """Let all role sessions expire at `at_ms`, except those that expire earlier anyway.

        Args:
            at_ms: the new expiration time, in milliseconds since the epoch.
        """
        self._db.change("UPDATE sessions SET expires_ms = min(expires_ms, ?)", (at_ms,))


class Cnames(Table[Cname]):
    """The bindings of custom domains to buckets, with the ownership tokens and the certificates.

    `bound` maps each bound domain to its bucket name. This dict is kept in memory, because the mock
    looks up a domain for every request. `tokens` and `certificates` are tables; their keys are the
    bucket's name and the domain.
    """

    def __init__(self, database: Database) -> None:
        by = ("bucket", "domain")
        super().__init__(database, "cnames", Cname, *by)
        self.tokens = Table(database, "cname_tokens", CnameToken, *by)
        self.certificates = Table(database, "cname_certificates", CnameCertificate, *by)
        self.bound: Mapping[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read `bound` from the database again."""
        self.bound = dict(self._db.rows(tuple, "SELECT domain, bucket FROM cnames"))

    def bind(self, domain: str, bucket: str, bound_ms: int) -> None:
        """Bind a domain to a bucket; replace an earlier binding of the domain.

        Args:
            domain: the domain in lower case.
            bucket: the bucket's name.
            bound_ms: the time of the binding, in milliseconds since the epoch.
        """
        self.put(Cname(domain, bucket, bound_ms))
        self.bound = {**self.bound, domain: bucket}

    def delete(self, *key: str) -> int:
        """Delete the bindings, ownership tokens and certificates of a bucket, or of its one domain.

        Args:
            key: the name of the bucket; also the domain to delete only what belongs to it.

        Returns:
            How many there were.
        """
        with self._db.transaction():
            deleted = self.tokens.delete(*key) + self.certificates.delete(*key)
            deleted += super().delete(*key)
        self.reload()
        return deleted
