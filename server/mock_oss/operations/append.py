"""AppendObject: adding bytes at the end of an object."""

import secrets

from mock_oss import crc64
from mock_oss.errors import RefusedError
from mock_oss.http.addressing import check_key
from mock_oss.http.body import MAX_OBJECT_BYTES
from mock_oss.http.response import Response
from mock_oss.operations.common import number, quoted, version_headers
from mock_oss.operations.object_headers import Properties
from mock_oss.operations.objects import may_overwrite, new_properties
from mock_oss.service import Call
from mock_oss.store import ExistingObject, ObjectRecord


def _check_position(there: ObjectRecord | ExistingObject | None, position: int) -> None:
    if there is not None and there.kind != "Appendable":
        raise RefusedError("ObjectNotAppendable", Key=there.key)
    size = 0 if there is None else there.size
    if position != size:
        raise _not_at_the_end(size, position)


def _not_at_the_end(size: int, position: int) -> RefusedError:
    return RefusedError(
        "PositionNotEqualToLength",
        headers={"x-oss-next-append-position": str(size)},
        why={"kind": "position", "length": size, "asked": position},
    )


async def append_object(call: Call) -> Response:
    """Append the request body to an object, or create the object if the key does not exist.

    The parameter `position` must be equal to the object's current length. In a bucket with
    versioning, appending changes the current version, which must be appendable.
    """
    check_key(call.key)
    if not call.param("position"):
        raise RefusedError("MissingArgument", ArgumentName="position")
    position = number(call, "position", default=0, low=0, high=MAX_OBJECT_BYTES)
    there = call.store.objects.get(call.bucket.name, call.key)
    _check_position(there, position)
    if there is None:
        may_overwrite(call)(None)
        properties = new_properties(call)
    else:  # only the first append sets the properties of the object
        properties = Properties(there.headers, there.storage_class, there.acl, there.tagging)

    def allow(now: ExistingObject | None) -> None:
        if call.store.buckets.get(call.bucket.name) is None:
            raise RefusedError("NoSuchBucket", BucketName=call.bucket.name)
        _check_position(now, position)
        if there is not None and (now is None or now.segments_json != there.segments_json):
            # Another request replaced the object in the meantime.
            raise _not_at_the_end(0 if now is None else now.size, position)

    with call.store.blobs.new() as blob:
        digest = await call.body.store(blob)
        if position + digest.size > MAX_OBJECT_BYTES:
            raise RefusedError("EntityTooLarge")
        record = ObjectRecord(
            bucket=call.bucket.name,
            key=call.key,
            size=position + digest.size,
            etag=secrets.token_hex(12).upper() + "00000000",
            crc64=str(crc64.combine(int(there.crc64) if there else 0, digest.crc64, digest.size)),
            md5="",
            kind="Appendable",
            storage_class=properties.storage_class,
            acl=properties.acl,
            modified_ms=call.service.now_ms(),
            headers=properties.headers,
            tagging=properties.tagging,
            segments_json="[]" if there is None else there.segments_json,
        )
        record = call.store.put_object(
            record, blob=blob, allow=allow, same_version=there is not None
        )
    return Response(
        200,
        [
            ("ETag", quoted(record.etag)),
            ("x-oss-hash-crc64ecma", record.crc64),
            ("x-oss-next-append-position", str(record.size)),
            *version_headers(call, record),
            *properties.encryption_headers,
        ],
    )
