"""The initial content of a store: configured buckets and custom domains, and seed files."""

import json
import mimetypes
from dataclasses import asdict, replace
from pathlib import Path

from mock_oss.clock import Clock
from mock_oss.errors import RefusedError, WorldError
from mock_oss.http.addressing import check_bucket_name, check_key
from mock_oss.http.body import PIECE, Digest
from mock_oss.store.data_directory import Store
from mock_oss.store.records import DEFAULT_CONTENT_TYPE, BucketRecord, ObjectRecord
from mock_oss.world.model import BucketSpec, World


def fill_store(store: Store, world: World, clock: Clock) -> None:
    """Create the configured buckets and custom domains in a store, if they do not exist yet."""
    for spec in world.buckets:
        ensure_bucket(store, spec, clock)
    for domain, bucket in world.cnames.items():
        if domain.lower() not in store.cnames.bound:
            store.cnames.bind(domain.lower(), bucket, clock.timestamp_ms())


def ensure_bucket(store: Store, spec: BucketSpec, clock: Clock) -> None:
    """Create a bucket in a store, unless a bucket with this name exists."""
    if store.buckets.get(spec.name) is None:
        properties = {"redundancy": "LRS", "created_ms": clock.timestamp_ms(), **asdict(spec)}
        store.buckets.put(BucketRecord(**properties))


def seed_objects(
    store: Store, directory: Path, spec: BucketSpec, clock: Clock, *, keep_existing: bool
) -> int:
    """Store every file `directory/BUCKET/KEY` as an object; return the number of stored files.

    Args:
        store: the store; missing buckets are created.
        directory: the directory of the seed files, with one subdirectory per bucket.
        spec: the properties of created buckets, except their names.
        clock: the mock's clock; the current time becomes the Last-Modified time of the objects.
        keep_existing: True to skip files whose object exists; False to replace existing objects.

    Raises:
        WorldError: the directory does not exist, or OSS would refuse a bucket name or key.
    """
    if not directory.is_dir():
        raise WorldError(f"{directory} is not a directory")
    count = 0
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            key = path.relative_to(folder).as_posix()
            try:
                check_bucket_name(folder.name)
                check_key(key)
            except RefusedError as e:
                raise WorldError(f"{path}: {e.message}") from e
            ensure_bucket(store, replace(spec, name=folder.name), clock)
            if keep_existing and store.objects.get(folder.name, key) is not None:
                continue
            _store_file(store, folder.name, key, path, clock)
            count += 1
    return count


def _store_file(store: Store, bucket: str, key: str, path: Path, clock: Clock) -> None:
    digest = Digest()
    with store.blobs.new() as blob, path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update([piece])
            blob.write([piece])
        content_type = mimetypes.guess_type(path.name)[0] or DEFAULT_CONTENT_TYPE
        record = ObjectRecord(
            bucket=bucket,
            key=key,
            size=digest.size,
            etag=digest.etag,
            crc64=str(digest.crc64),
            md5=digest.content_md5,
            modified_ms=clock.timestamp_ms(),
            headers=json.dumps({"content-type": content_type}),
        )
        store.put_object(record, blob=blob)
