"""Operations for the ACL and tags of objects, and for symlinks."""

import json
import secrets
from urllib.parse import unquote

from mock_oss.access.authorization import authorize
from mock_oss.errors import RefusedError
from mock_oss.http.addressing import check_key
from mock_oss.http.documents import tag
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import (
    existing,
    owner,
    quoted,
    tag_set,
    tags_in,
    url,
    version_headers,
)
from mock_oss.operations.object_headers import check_tags, object_acl
from mock_oss.operations.objects import may_overwrite, new_properties
from mock_oss.service import Call
from mock_oss.store import ObjectRecord

MAX_TAGGING_BYTES = 64 << 10


async def put_acl(call: Call) -> Response:
    """Change an object's ACL."""
    acl = object_acl(call.header("x-oss-object-acl") or "")
    record = existing(call)
    call.store.update(record._replace(acl=acl))
    return Response(200, version_headers(call, record))


async def get_acl(call: Call) -> Response:
    """Return an object's ACL."""
    record = existing(call)
    return xml_response(
        "AccessControlPolicy",
        (owner(call.bucket), tag("AccessControlList", (tag("Grant", record.acl),))),
        version_headers(call, record),
    )


async def put_tagging(call: Call) -> Response:
    """Replace an object's tags; Last-Modified does not change."""
    checked = check_tags(tags_in(await call.body.read(MAX_TAGGING_BYTES)))
    authorize(call, "oss:PutObjectTagging", tags=checked)
    record = existing(call)
    call.store.update(record._replace(tagging=json.dumps(checked)))
    return Response(200, version_headers(call, record))


async def get_tagging(call: Call) -> Response:
    """Return an object's tags."""
    record = existing(call)
    return xml_response("Tagging", (tag_set(record.tags),), version_headers(call, record))


async def delete_tagging(call: Call) -> Response:
    """Delete an object's tags."""
    record = existing(call)
    call.store.update(record._replace(tagging="{}"))
    return Response(204, version_headers(call, record))


async def put_symlink(call: Call) -> Response:
    """Create a symlink; the target object does not have to exist."""
    check_key(call.key)
    target = unquote(call.header("x-oss-symlink-target") or "")
    if not target:
        raise RefusedError("InvalidArgument", ArgumentName="x-oss-symlink-target", ArgumentValue="")
    check_key(target)
    properties = new_properties(call)
    headers = {**json.loads(properties.headers), "x-oss-symlink-target": target}
    record = ObjectRecord(
        bucket=call.bucket.name,
        key=call.key,
        size=0,
        etag=secrets.token_hex(16).upper(),
        crc64="0",
        md5="",
        kind="Symlink",
        storage_class=properties.storage_class,
        acl=properties.acl,
        modified_ms=call.service.now_ms(),
        headers=json.dumps(headers),
        tagging=properties.tagging,
        segments_json="[]",
    )
    record = call.store.put_object(record, allow=may_overwrite(call))
    return Response(200, [("ETag", quoted(record.etag)), *version_headers(call, record)])


async def get_symlink(call: Call) -> Response:
    """Return the target key of a symlink, in the header `x-oss-symlink-target`."""
    record = existing(call)
    if record.kind != "Symlink":
        raise RefusedError("NotSymlink", Key=call.key)
    target = record.stored_headers["x-oss-symlink-target"]
    headers = [("x-oss-symlink-target", url(target)), ("ETag", quoted(record.etag))]
    headers += [(n, v) for n, v in record.stored_headers.items() if n.startswith("x-oss-meta-")]
    headers += version_headers(call, record)
    return Response(200, headers)
