"""Read-only views of stored buckets, objects and multipart uploads, for tests."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from mock_oss.clock import monotonic_ms
from mock_oss.errors import MockOSSError, UploadTimeoutError
from mock_oss.http.request import decode_headers
from mock_oss.policies.globs import glob
from mock_oss.service import Service
from mock_oss.store.data_directory import Store
from mock_oss.store.records import BucketRecord, ObjectRecord, PartRecord, UploadRecord

POLL_S = 0.005


class StoredObject:
    """A stored object, with its properties at the time of the lookup.

    `key` is the object key, `size` the length of the content in bytes, `etag` the ETag without
    quotes, and `crc64` the CRC-64 of the content. `kind` is the object type: Normal, Multipart,
    Appendable, Symlink, or DeleteMarker. `version_id` is `null` for an object that was stored while
    versioning was not enabled. `is_delete_marker` is true for a delete marker, which has no
    content. `storage_class` is Standard, IA, Archive, ColdArchive or DeepColdArchive. `acl` is
    `default` if the bucket's ACL applies. `headers` maps lower-case names to values of stored
    headers, such as content-type and x-oss-meta-*. `tags` maps tag keys to tag values. `modified`
    is the Last-Modified time, as a timezone-aware UTC datetime.
    """

    def __init__(self, store: Store, record: ObjectRecord) -> None:
        self._store = store
        self._segments = record.segments
        self.key = record.key
        self.size = record.size
        self.etag = record.etag
        self.crc64 = int(record.crc64)
        self.kind = record.kind
        self.version_id = record.version_id
        self.is_delete_marker = record.is_delete_marker
        self.storage_class = record.storage_class
        self.acl = record.acl
        self.headers = decode_headers(record.stored_headers)
        self.tags = record.tags
        self.modified = datetime.fromtimestamp(record.modified_ms / 1000, UTC)

    @property
    def data(self) -> bytes:
        """The whole content of the object."""
        return b"".join(self._store.blobs.read(self._segments))

    def __bytes__(self) -> bytes:
        return self.data

    def __repr__(self) -> str:
        return f"<StoredObject {self.key!r} {self.size} bytes {self.kind}>"


class StoredUpload:
    """A multipart upload in progress, with its properties at the time of the lookup.

    `parts` maps part numbers to sizes in bytes. `initiated` is a timezone-aware UTC datetime.
    """

    def __init__(self, record: UploadRecord, parts: list[PartRecord]) -> None:
        self.upload_id = record.upload_id
        self.key = record.key
        self.initiated = datetime.fromtimestamp(record.initiated_ms / 1000, UTC)
        self.parts = {part.number: part.size for part in parts}

    def __repr__(self) -> str:
        return f"<StoredUpload {self.key!r} {len(self.parts)} parts>"


class ObjectsView(Mapping[str, StoredObject]):
    """A mapping from object key to `StoredObject` for one bucket.

    Every access reads the current state of the bucket.
    """

    def __init__(self, store: Store, bucket: str) -> None:
        self._store = store
        self._bucket = bucket

    def __getitem__(self, key: str) -> StoredObject:
        record = self._store.objects.get(self._bucket, key)
        if record is None:
            raise KeyError(key)
        return StoredObject(self._store, record)

    def __iter__(self) -> Iterator[str]:
        after = ""
        while page := self._store.objects.page(self._bucket, after=after):
            for record in page:
                yield record.key
            after = page[-1].key

    def __len__(self) -> int:
        return sum(count for _, count, _ in self._store.objects.totals(self._bucket))

    def __repr__(self) -> str:
        return f"<ObjectsView of {self._bucket}: {list(self)}>"


class BucketView:
    """A read-only view of one bucket; it can be created before the bucket exists."""

    def __init__(self, service: Service, name: str) -> None:
        self._service = service
        self._store = service.store
        self.name = name

    @property
    def exists(self) -> bool:
        """Whether the bucket exists."""
        return self._store.buckets.get(self.name) is not None

    @property
    def record(self) -> BucketRecord:
        """The bucket's row in the database, with region, ACL, storage class and CORS document.

        Raises:
            MockOSSError: the bucket does not exist.
        """
        record = self._store.buckets.get(self.name)
        if record is None:
            raise MockOSSError(f"there is no bucket {self.name}")
        return record

    @property
    def objects(self) -> ObjectsView:
        """The current objects of the bucket, as a read-only mapping from key to object.

        Raises:
            MockOSSError: the bucket does not exist.
        """
        return ObjectsView(self._store, self.record.name)

    def wait_for_upload(self, key: str, *, timeout_s: float = 10.0) -> StoredObject:
        """Wait until the bucket contains an object with a given key; return the object.

        Any operation can store the object. If it is already stored, the call returns at once. The
        call blocks its thread; in a coroutine, use `await asyncio.to_thread(…)`.

        Args:
            key: the object key, or a pattern with `*` and `?`. If several objects match the
                pattern, the object with the smallest key is returned.
            timeout_s: how long to wait, in seconds; 0 to look only once.

        Raises:
            UploadTimeoutError: no such object was stored in time.
        """
        deadline_ms = monotonic_ms() + timeout_s * 1000
        while (record := self._object(key)) is None:
            if monotonic_ms() >= deadline_ms:
                journal = self._service.journal
                raise UploadTimeoutError(
                    f"the bucket {self.name} has no object {key!r} after {timeout_s:g} s; it has "
                    f"{list(ObjectsView(self._store, self.name))}; the mock received:\n"
                    f"{journal.listed()}"
                )
            time.sleep(POLL_S)
        return record

    def _object(self, key: str) -> StoredObject | None:
        objects = ObjectsView(self._store, self.name)
        if (record := objects.get(key)) is not None or not {"*", "?"} & set(key):
            return record
        pattern = glob(key)
        return next((objects.get(name) for name in objects if pattern.fullmatch(name)), None)

    def versions(self, key: str) -> list[StoredObject]:
        """Return all versions and delete markers of a key, newest first.

        Raises:
            MockOSSError: the bucket does not exist.
        """
        current = self._store.objects.get(self.record.name, key)
        rows = [] if current is None else [current]
        rows += self._store.versions.of_key(self.name, key)
        return [StoredObject(self._store, row) for row in rows]

    @property
    def uploads(self) -> dict[str, StoredUpload]:
        """The multipart uploads in progress, as a dict from upload id to upload.

        Raises:
            MockOSSError: the bucket does not exist.
        """
        self._service.apply_lifecycle(self.record)
        return {
            record.upload_id: StoredUpload(record, self._store.uploads.parts(record.upload_id))
            for record in self._store.uploads.page(self.name)
        }
