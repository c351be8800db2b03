"""The store: tables and blobs kept in step.

Rows change first, in one commit; the files they no longer name are deleted after it.
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
    """Everything in one data directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.database = Database(directory)
        try:
            self.blobs = Blobs(directory / "blobs", self.database)
        except OSError as e:
            self.database.close()
            raise DataDirError(f"cannot keep data in {directory}: {e.strerror}") from e
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
        """Make an object visible, in one commit; return its row.

        Args:
            record: the new object.
            blob: written bytes that follow the record's segments.
            allow: called with the object there is, under the lock; raises to refuse.
        """
        with self.database.transaction():
            replaced = self.objects.existing(record.bucket, record.key)
            if allow is not None:
                allow(replaced)
            old = [] if replaced is None else load_segments(replaced.segments_json)
            segments = record.segments
            if blob is not None:
                reuse = (
                    "" if segments else self.blobs.reusable(old)
                )  # who appends keeps the old ones
                segments.append(blob.close(reuse))
                record = ObjectRecord._make((*record[:-1], pack_segments(segments)))
            self.objects.put(record)
        if old and old != segments:
            self._drop(old, kept=segments)
        return record

    def delete_object(self, bucket: str, key: str) -> bool:
        """Delete an object; return whether there was one."""
        removed = self.objects.delete(bucket, key)
        if removed is None:
            return False
        self.blobs.delete(removed.segments)
        return True

    def put_part(self, upload_id: str, part: PartRecord) -> None:
        """Keep a part and drop the one it replaces.

        Raises:
            KeyError: the upload was completed or aborted meanwhile.
        """
        replaced = self.uploads.put_part(upload_id, part)
        if replaced is not None:
            self.blobs.delete(replaced.segments)

    def complete_upload(self, upload_id: str, record: ObjectRecord) -> None:
        """Turn an upload into an object; parts whose blobs it does not use are dropped."""
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
        """Forget an upload and its parts."""
        parts = self.uploads.parts(upload_id)
        with self.database.transaction():
            self.uploads.delete(upload_id)
        self.blobs.delete(segment for part in parts for segment in part.segments)

    def _drop(self, segments: Iterable[Segment], *, kept: Iterable[Segment]) -> None:
        names = {segment.blob for segment in kept}
        self.blobs.delete(segment for segment in segments if segment.blob not in names)

    def clear(self) -> None:
        """Forget everything."""
        with self.database.lock:
            self.database.clear()
            self.buckets.clear_cache()
            self.cnames.reload()
            self.blobs.sweep(set())

    def snapshot(self, directory: Path) -> None:
        """Save rows and blobs into an empty directory; blobs are linked, not copied."""
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
        """Go back to what a snapshot saved."""
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
        """Close the database; files stay."""
        self.database.close()
