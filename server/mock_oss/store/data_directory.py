"""`Store`: the database tables and the blobs (byte strings of object data) in a data directory.

Every operation changes database rows in one commit. After the commit, the operation deletes the
blobs that are not used any more.
"""

import json
import secrets
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from mock_oss.errors import DataDirError
from mock_oss.store.blobs import Blobs, BlobWriter
from mock_oss.store.database import Database, first
from mock_oss.store.records import (
    DELETE_MARKER,
    NULL_VERSION,
    ExistingObject,
    ObjectRecord,
    PartRecord,
    Segment,
    load_segments,
    pack_segments,
)
from mock_oss.store.tables import Buckets, Cnames, Objects, Sessions, Uploads
from mock_oss.store.versions import Versions, version_id


class Store:
    """All data of one mock, in one data directory.

    Args:
        directory: the data directory, which is created if it does not exist.
        version_digits: returns 32 new hex digits, which make a version id unique; None for random
            digits.
        is_temporary: True to write without waiting for the disk. This is faster, but a power
            failure may lose data.

    Raises:
        DataDirError: the directory cannot be used.
        DataDirInUseError: another mock uses the directory.
    """

    def __init__(
        self,
        directory: Path,
        version_digits: Callable[[], str] | None = None,
        *,
        is_temporary: bool = False,
    ) -> None:
        self.directory = directory
        self._version_digits = version_digits or partial(secrets.token_hex, 16)
        self.database = Database(directory, is_temporary=is_temporary)
        try:
            self.blobs = Blobs(directory / "blobs", self.database)
        except OSError as e:
            self.database.close()
            raise DataDirError(f"cannot use the data directory {directory}: {e.strerror}") from e
        self.buckets = Buckets(self.database)
        self.objects = Objects(self.database)
        self.versions = Versions(self.database)
        self.uploads = Uploads(self.database)
        self.sessions = Sessions(self.database)
        self.cnames = Cnames(self.database)
        self.blobs.sweep(self._used())

    def _used(self) -> set[str]:
        tables = ("objects", "object_versions", "parts")
        query = " UNION ALL ".join(f"SELECT segments FROM {table}" for table in tables)  # noqa: S608 - constants
        texts = self.database.rows(first, query)
        return {blob for text in texts for blob, _, _ in json.loads(text)}

    def put_object(
        self,
        record: ObjectRecord,
        *,
        blob: BlobWriter | None = None,
        allow: Callable[[ExistingObject | None], None] | None = None,
        same_version: bool = False,
    ) -> ObjectRecord:
        """Store an object as the current version of its key, and return its database row.

        By default, the object is a new version. It replaces the current version if the bucket has
        no versioning, or if both have the version id `null`; otherwise the current version becomes
        noncurrent. All changes are one commit.

        Args:
            record: the object. Its version id, sequence number and `restored` have no effect: the
                store sets the first two, and empties `restored`, because new data is not restored
                data.
            blob: the writer of data to append to the data of `record.segments`; None to append
                nothing.
            allow: a function to call before the change, in the same transaction. Its argument is
                the current version, or None. The function raises an exception to refuse the change.
            same_version: True to overwrite the current version, if there is one, and keep its
                version id; no version becomes noncurrent.
        """
        with self.database.transaction():
            current = self.objects.existing(record.bucket, record.key)
            if allow is not None:
                allow(current)
            if same_version and current is not None:
                identity, old = (current.version_id, current.sequence), _segments(current)
            else:
                identity, old = self._make_room(record.bucket, record.key, current)
            segments, packed = record.segments, record.segments_json
            if blob is not None:
                segments.append(blob.close())
                packed = pack_segments(segments)
            record = ObjectRecord._make((*record[:12], packed, *identity, ""))
            self.objects.put(record)
        self._drop(old, kept=segments)
        return record

    def _make_room(
        self, bucket: str, key: str, current: ExistingObject | None
    ) -> tuple[tuple[str, int], list[Segment]]:
        """Inside a transaction, prepare a key for a new current version or delete marker.

        Returns:
            The version id and the sequence number of the new version, and the segments of versions
            that it replaces.
        """
        record = self.buckets.get(bucket)
        versioning = "" if record is None else record.versioning
        gone = [] if current is None else _segments(current)
        if not versioning:
            return (NULL_VERSION, 0), gone
        newest = self.versions.newest(bucket, key)
        sequence = 1 + max(
            0 if newest is None else newest.sequence, 0 if current is None else current.sequence
        )
        new_id = NULL_VERSION
        if versioning == "Enabled":
            new_id = version_id(sequence, self._version_digits())
        if current is not None and (new_id, current.version_id) != (NULL_VERSION, NULL_VERSION):
            self.versions.demote(bucket, key)
            gone = []
        if new_id == NULL_VERSION:  # a key has only one version with this id
            null = self.versions.get(bucket, key, NULL_VERSION)
            if null is not None:
                self.versions.remove(null)
                gone += null.segments
        return (new_id, sequence), gone

    def version(self, bucket: str, key: str, version_id: str) -> ObjectRecord | None:
        """Return the version or delete marker with this key and version id, or None."""
        current = self.objects.get(bucket, key)
        if current is not None and current.version_id == version_id:
            return current
        return self.versions.get(bucket, key, version_id)

    def update(self, record: ObjectRecord) -> None:
        """Replace the database row of a version, for example to change its tags.

        If the version does not exist any more, do nothing.
        """
        with self.database.transaction():
            current = self.objects.existing(record.bucket, record.key)
            if current is not None and current.version_id == record.version_id:
                self.objects.put(record)
            elif self.versions.get(record.bucket, record.key, record.version_id) is not None:
                self.versions.put(record)

    def delete_object(self, bucket: str, key: str, now_ms: int) -> str:
        """Delete an object; in a bucket with versioning, add a delete marker.

        In a bucket with versioning, the current version becomes noncurrent. It is deleted only if
        it and the delete marker both have the version id `null`.

        Args:
            bucket: the bucket's name.
            key: the key; no object needs to exist.
            now_ms: the time of the delete marker, in milliseconds since the epoch.

        Returns:
            The version id of the delete marker; empty text if none was added.
        """
        with self.database.transaction():
            record = self.buckets.get(bucket)
            identity, gone = self._make_room(bucket, key, self.objects.existing(bucket, key))
            self.objects.delete(bucket, key)
            is_versioned = record is not None and record.versioning != ""
            if is_versioned:
                self.versions.put(_delete_marker(bucket, key, now_ms, identity))
        self.blobs.delete(gone)
        return identity[0] if is_versioned else ""

    def delete_version(self, bucket: str, key: str, version_id: str) -> ObjectRecord | None:
        """Delete one version or delete marker.

        If it was the current one, the newest remaining version or delete marker becomes current.

        Returns:
            The deleted row, or None if no version has this id.
        """
        with self.database.transaction():
            removed = self.version(bucket, key, version_id)
            if removed is None:
                return None
            current = self.objects.existing(bucket, key)
            if current is not None and current.version_id == version_id:
                self.objects.delete(bucket, key)
                current = None
            else:
                self.versions.remove(removed)
            newest = self.versions.newest(bucket, key)
            if current is None and newest is not None and not newest.is_delete_marker:
                self.versions.remove(newest)
                self.objects.put(newest)
        self.blobs.delete(removed.segments)
        return removed

    def put_part(self, part: PartRecord) -> None:
        """Store the row of a part; delete the row and data of an older part with the same number.

        Raises:
            KeyError: the upload does not exist any more, because it was completed or aborted.
        """
        replaced = self.uploads.put_part(part)
        if replaced is not None:
            self.blobs.delete(replaced.segments)

    def complete_upload(self, upload_id: str, record: ObjectRecord) -> ObjectRecord:
        """Store the object of a completed multipart upload, and delete the upload.

        The data of uploaded parts that the object does not contain is deleted.

        Args:
            upload_id: the id of the upload.
            record: the object. The store sets its version id, sequence number and `restored`
                itself.

        Returns:
            The database row of the object.
        """
        parts = self.uploads.parts(upload_id)
        with self.database.transaction():
            current = self.objects.existing(record.bucket, record.key)
            identity, gone = self._make_room(record.bucket, record.key, current)
            record = ObjectRecord._make((*record[:13], *identity, ""))
            self.objects.put(record)
            self.uploads.delete(upload_id)
        gone += [segment for part in parts for segment in part.segments]
        self._drop(gone, kept=record.segments)
        return record

    def abort_upload(self, upload_id: str) -> None:
        """Delete a multipart upload and its parts."""
        parts = self.uploads.parts(upload_id)
        with self.database.transaction():
            self.uploads.delete(upload_id)
        self.blobs.delete(segment for part in parts for segment in part.segments)

    def _drop(self, segments: Iterable[Segment], *, kept: Iterable[Segment]) -> None:
        names = {segment.blob for segment in kept}
        self.blobs.delete(segment for segment in segments if segment.blob not in names)

    def clear(self) -> None:
        """Delete all buckets with their content, all role sessions and all bindings of domains."""
        with self.database.lock:
            self.database.clear()
            self.buckets.clear_cache()
            self.cnames.reload()
            self.blobs.sweep(set())

    def close(self) -> None:
        """Close the database; the files in the data directory remain."""
        self.database.close()


def _segments(record: ExistingObject) -> list[Segment]:
    return load_segments(record.segments_json)


def _delete_marker(bucket: str, key: str, now_ms: int, identity: tuple[str, int]) -> ObjectRecord:
    version_id, sequence = identity
    return ObjectRecord(
        bucket=bucket,
        key=key,
        kind=DELETE_MARKER,
        modified_ms=now_ms,
        version_id=version_id,
        sequence=sequence,
    )
