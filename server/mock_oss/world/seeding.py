"""Filling the store from a directory tree ``DIR/BUCKET/key``."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path

from mock_oss.errors import RefusedError, WorldError
from mock_oss.http.addressing import check_bucket_name, check_key
from mock_oss.http.body import PIECE, Digest
from mock_oss.operations.properties import DEFAULT_TYPE
from mock_oss.service import Service
from mock_oss.store import ObjectRecord
from mock_oss.world.model import BucketSpec

__all__ = ["seed_objects"]


def seed_objects(service: Service, directory: Path, *, keep: bool = False) -> int:
    """Store every file below ``directory/BUCKET``; return how many were stored.

    Args:
        service: the running parts; buckets are created when needed.
        directory: where the files are.
        keep: leave objects that are there already as they are.

    Raises:
        WorldError: the directory is missing, or a name is not one OSS would take.
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
            service.ensure_bucket(BucketSpec(name=folder.name, region=service.world.region))
            if keep and service.store.objects.get(folder.name, key) is not None:
                continue
            _store_file(service, folder.name, key, path)
            count += 1
    return count


def _store_file(service: Service, bucket: str, key: str, path: Path) -> None:
    digest = Digest()
    with service.store.blobs.new() as blob, path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update([piece])
            blob.write([piece])
        content_type = mimetypes.guess_type(path.name)[0] or DEFAULT_TYPE
        record = ObjectRecord(
            bucket=bucket,
            key=key,
            size=digest.size,
            etag=digest.etag,
            crc64=str(digest.crc64),
            md5=digest.content_md5,
            kind="Normal",
            storage_class="Standard",
            acl="default",
            modified_ms=service.now_ms(),
            headers=json.dumps({"content-type": content_type}),
            tagging="{}",
            segments_json="[]",
        )
        service.store.put_object(record, blob=blob)
