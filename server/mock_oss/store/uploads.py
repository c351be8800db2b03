"""Database queries for multipart uploads and their parts."""

from mock_oss.store.database import Database, first
from mock_oss.store.records import PartRecord, UploadRecord
from mock_oss.store.tables import prefix_range


class Uploads:
    """The database tables of multipart uploads in progress and their parts.

    The methods change only database rows, not blobs (the stored data). After the commit, the caller
    must delete the blobs of deleted parts.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, upload_id: str) -> UploadRecord | None:
        """Return a multipart upload, or None if it does not exist."""
        query = "SELECT * FROM uploads WHERE upload_id = ?"
        return self._db.row(UploadRecord._make, query, (upload_id,))

    def put(self, record: UploadRecord) -> None:
        """Create the row of a multipart upload."""
        self._db.change("INSERT INTO uploads VALUES (?,?,?,?,?,?,?,?)", record)

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
        query = (
            f"SELECT * FROM uploads WHERE {where} AND (key, upload_id) > (?, ?) "  # noqa: S608
            "ORDER BY key, upload_id LIMIT ?"
        )
        return self._db.rows(UploadRecord._make, query, (*arguments, *after, limit))

    def put_part(self, upload_id: str, part: PartRecord) -> PartRecord | None:
        """Store the row of a part; return the replaced row with the same part number, or None.

        Raises:
            KeyError: the upload does not exist any more.
        """
        with self._db.transaction():
            if self.get(upload_id) is None:
                raise KeyError(upload_id)
            replaced = self.parts(upload_id, after=part.number - 1, limit=1)
            self._db.change("REPLACE INTO parts VALUES (?,?,?,?,?,?,?)", (upload_id, *part))
        return replaced[0] if replaced and replaced[0].number == part.number else None

    def parts(self, upload_id: str, *, after: int = 0, limit: int = 10_000) -> list[PartRecord]:
        """Return the parts of an upload, sorted by part number.

        Args:
            upload_id: the id of the upload.
            after: return only parts with a larger number.
            limit: the largest number of parts to return.
        """
        query = (
            "SELECT number, size, etag, crc64, modified_ms, segments FROM parts "
            "WHERE upload_id = ? AND number > ? ORDER BY number LIMIT ?"
        )
        return self._db.rows(PartRecord._make, query, (upload_id, after, limit))

    def delete(self, upload_id: str) -> None:
        """Delete the rows of a multipart upload and its parts.

        Call this method only inside a transaction.
        """
        self._db.change("DELETE FROM parts WHERE upload_id = ?", (upload_id,))
        self._db.change("DELETE FROM uploads WHERE upload_id = ?", (upload_id,))

    def count(self, bucket: str) -> int:
        """Return the number of uploads in progress in a bucket."""
        query = "SELECT count(*) FROM uploads WHERE bucket = ?"
        return int(self._db.rows(first, query, (bucket,))[0])

    def all_segments(self) -> list[str]:
        """Return the segments (blob slices) of every stored part, as one JSON text per part."""
        return self._db.rows(first, "SELECT segments FROM parts")
