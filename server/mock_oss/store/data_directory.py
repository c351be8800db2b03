"""``Store``: the database tables and the blobs in a data directory.

Every operation changes database rows in one commit. After the commit, the operation deletes the
blobs that are not used any more.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

from mock_oss.errors import DataDirError
from mock_oss.store.blobs import Blobs, BlobWriter, Segment
from mock_oss.store.cnames import Cnames
from mock_oss.store.database import Database
from mock_oss.store.records import (
    ExistingObject,
    ObjectRecord,
    PartRecord,
    load_segments,
    pack_segments,
)
from mock_oss.store.tables import Buckets, Objects, Sessions
from mock_oss.store.uploads import Uploads

__all__ = ["Store"]


class Store:
    """All data of one mock, in one data directory.

    Args:
        directory: the data directory.
        is_temporary: whether the data need not survive a power failure.

    Raises:
        DataDirError: the directory cannot be used.
        DataDirInUseError: another mock uses the directory.
    """

    def __init__(self, directory: Path, *, is_temporary: bool = False) -> None:
        self.directory = directory
        self.database = Database(directory, is_temporary=is_temporary)
        try:
            self.blobs = Blobs(directory / "blobs", self.database)
        except OSError as e:
            self.database.close()
            raise DataDirError(f"cannot use the data directory {directory}: {e.strerror}") from e
        self.buckets = Buckets(self.database)
        self.objects = Objects(self.database)
        self.uploads = Uploads(self.database)
        self.sessions = Sessions(self.database)
        self.cnames = Cnames(self.database)
        self.blobs.sweep(self._used())

    def _used(self) -> set[str]:
        return {
            blob
            for rows in (self.objects.all_segments(), self.uploads.all_segments())
            for text in rows
            for blob, _, _ in json.loads(text)
        }

    def put_object(
        self,
        record: ObjectRecord,
        *,
        blob: BlobWriter | None = None,
        allow: Callable[[ExistingObject | None], None] | None = None,
    ) -> ObjectRecord:
        """Create or replace an object in one commit; return its row.

        Args:
            record: the new object.
            blob: the blob with new data, to add after the segments of ``record``; or None.
            allow: a function to call before the change, in the same transaction. The argument of
                the function is the object to be replaced, or None. The function raises an exception
                to refuse the change.
        """
        with self.database.transaction():
            replaced = self.objects.existing(record.bucket, record.key)
            if allow is not None:
                allow(replaced)
            old = [] if replaced is None else load_segments(replaced.segments_json)
            segments = record.segments
            if blob is not None:
                # An append needs the old blobs: their segments are part of the new object.
                reuse = "" if segments else self.blobs.reusable(old)
                segments.append(blob.close(reuse))
                record = ObjectRecord._make((*record[:-1], pack_segments(segments)))
            self.objects.put(record)
        if old and old != segments:
            self._drop(old, kept=segments)
        return record

    def delete_object(self, bucket: str, key: str) -> bool:
        """Delete an object; return whether the object existed."""
        removed = self.objects.delete(bucket, key)
        if removed is None:
            return False
        self.blobs.delete(removed.segments)
        return True

    def put_part(self, upload_id: str, part: PartRecord) -> None:
        """Store a part, and delete an older part with the same number.

        Raises:
            KeyError: the upload does not exist any more, because it was completed or aborted.
        """
        replaced = self.uploads.put_part(upload_id, part)
        if replaced is not None:
            self.blobs.delete(replaced.segments)

    def complete_upload(self, upload_id: str, record: ObjectRecord) -> None:
        """Store the object of a completed upload, and delete the upload.

        Blobs of uploaded parts that the object does not contain are deleted.
        """
        parts = self.uploads.parts(upload_id)
        with self.database.transaction():
            replaced = self.objects.existing(record.bucket, record.key)
            self.objects.put(record)
            self.uploads.delete(upload_id)
        gone = [segment for part in parts for segment in part.segments]
        if replaced is not None:
            gone += load_segments(replaced.segments_json)
        self._drop(gone, kept=record.segments)

    def abort_upload(self, upload_id: str) -> None:
        """Delete an upload and its parts."""
        parts = self.uploads.parts(upload_id)
        with self.database.transaction():
            self.uploads.delete(upload_id)
        self.blobs.delete(segment for part in parts for segment in part.segments)

    def _drop(self, segments: Iterable[Segment], *, kept: Iterable[Segment]) -> None:
        names = {segment.blob for segment in kept}
        self.blobs.delete(segment for segment in segments if segment.blob not in names)

    def clear(self) -> None:
        """Delete all data of the mock."""
        with self.database.lock:
            self.database.clear()
            self.buckets.clear_cache()
            self.cnames.reload()
            self.blobs.sweep(set())

    def snapshot(self, directory: Path) -> None:
        """Save the database and the blobs in an empty directory.

        The saved blob files are hard links, not copies.
        """
        saved = directory / "blobs"
        saved.mkdir(parents=True, exist_ok=True)
        with self.database.lock:
            copy = sqlite3.connect(directory / "mock_oss.sqlite3")
            try:
                self.database.connection.backup(copy)
            finally:
                copy.close()
            for name in self.blobs.file_names() & self._used():
                (saved / name).hardlink_to(self.blobs.path(name))

    def restore(self, directory: Path) -> None:
        """Replace all data of the store with the data of a snapshot."""
        with self.database.lock:
            there = self.blobs.file_names()
            for saved in (directory / "blobs").iterdir():
                if saved.name not in there:
                    Path(self.blobs.path(saved.name)).hardlink_to(saved)
            copy = sqlite3.connect(directory / "mock_oss.sqlite3")
            try:
                copy.backup(self.database.connection)
            finally:
                copy.close()
            self.database.complete()
            self.buckets.clear_cache()
            self.cnames.reload()
            self.blobs.sweep(self._used())

    def close(self) -> None:
        """Close the database; the files in the data directory remain."""
        self.database.close()
