"""Queries for multipart uploads and their parts."""

from collections.abc import Iterable

from mock_oss.store.database import Database
from mock_oss.store.records import PartRecord, UploadRecord
from mock_oss.store.tables import after_prefix

_PART_COLUMNS = "number, size, etag, crc64, modified_ms, segments"


class Uploads:
    """The tables of multipart uploads in progress and their parts.

    The methods change only database rows, not blobs. The caller must delete the blobs of deleted
    parts after the commit.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, upload_id: str) -> UploadRecord | None:
        """Return an upload, or None if the upload does not exist."""
        with self._db.lock:
            row = self._db.execute(
                "SELECT * FROM uploads WHERE upload_id = ?", (upload_id,)
            ).fetchone()
        return None if row is None else UploadRecord._make(row)

    def put(self, record: UploadRecord) -> None:
        """Create an upload."""
        with self._db.lock:
            self._db.execute("INSERT INTO uploads VALUES (?,?,?,?,?,?,?,?)", record)

    def page(
        self,
        bucket: str,
        *,
        prefix: str = "",
        after: tuple[str, str] = ("", ""),
        start: str = "",
        limit: int = 1000,
    ) -> list[UploadRecord]:
        """Return uploads of a bucket, sorted by key and upload id.

        Args:
            bucket: the bucket's name.
            prefix: return only keys with this prefix.
            after: return only uploads that come after this (key, upload id) in the order.
            start: return only keys greater than or equal to this key.
            limit: the largest number of uploads.
        """
        end = after_prefix(prefix)
        query = "SELECT * FROM uploads WHERE bucket = ? AND key >= ? AND (key, upload_id) > (?, ?)"
        arguments: list[str | int] = [bucket, max(prefix, start), *after]
        if end is not None:
            query += " AND key < ?"
            arguments.append(end)
        with self._db.lock:
            rows = self._db.execute(
                query + " ORDER BY key, upload_id LIMIT ?", (*arguments, limit)
            ).fetchall()
        return [UploadRecord._make(row) for row in rows]

    def put_part(self, upload_id: str, part: PartRecord) -> PartRecord | None:
        """Store a part; return the replaced part with the same number, or None.

        Raises:
            KeyError: the upload does not exist any more.
        """
        with self._db.transaction():
            if self.get(upload_id) is None:
                raise KeyError(upload_id)
            replaced = self.part(upload_id, part.number)
            self._db.execute("REPLACE INTO parts VALUES (?,?,?,?,?,?,?)", (upload_id, *part))
        return replaced

    def part(self, upload_id: str, number: int) -> PartRecord | None:
        """Return one part, or None if the part does not exist."""
        row = self._db.execute(
            f"SELECT {_PART_COLUMNS} FROM parts WHERE upload_id = ? AND number = ?",  # noqa: S608
            (upload_id, number),
        ).fetchone()
        return None if row is None else PartRecord._make(row)

    def parts(self, upload_id: str, *, after: int = 0, limit: int = 10_000) -> list[PartRecord]:
        """Return the parts with a number greater than `after`, sorted by number."""
        with self._db.lock:
            rows = self._db.execute(
                f"SELECT {_PART_COLUMNS} FROM parts WHERE upload_id = ? AND number > ? "  # noqa: S608
                "ORDER BY number LIMIT ?",
                (upload_id, after, limit),
            ).fetchall()
        return [PartRecord._make(row) for row in rows]

    def delete(self, upload_id: str) -> None:
        """Delete the rows of an upload and its parts.

        Call this method only inside a transaction.
        """
        self._db.execute("DELETE FROM parts WHERE upload_id = ?", (upload_id,))
        self._db.execute("DELETE FROM uploads WHERE upload_id = ?", (upload_id,))

    def count(self, bucket: str) -> int:
        """Return the number of uploads in progress in a bucket."""
        with self._db.lock:
            row = self._db.execute(
                "SELECT count(*) FROM uploads WHERE bucket = ?", (bucket,)
            ).fetchone()
        return int(row[0])

    def all_segments(self) -> Iterable[str]:
        """Return the segments of every stored part, as one JSON text per part."""
        with self._db.lock:
            return [row[0] for row in self._db.execute("SELECT segments FROM parts")]
