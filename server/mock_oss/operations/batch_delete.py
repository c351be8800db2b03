"""DeleteMultipleObjects: deleting up to 1,000 objects with one request."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from mock_oss.access.authorization import authorize_object
from mock_oss.errors import RefusedError
from mock_oss.http.addressing import check_key
from mock_oss.http.documents import child_text, children, document, parse, tag
from mock_oss.http.response import Response
from mock_oss.operations.common import url, url_encoder
from mock_oss.service import Call

__all__ = ["delete_objects"]

MAX_DELETE_BYTES = 2 << 20
MAX_DELETE_KEYS = 1000


async def delete_objects(call: Call) -> Response:
    """Delete up to 1,000 objects, after checking the caller's permission for every key."""
    encoded, encoding = url_encoder(call)
    if call.header("content-md5") is None:
        raise RefusedError("MissingArgument", ArgumentName="Content-MD5")
    body = await call.body.read(MAX_DELETE_BYTES)
    root = parse(body, "Delete")
    quiet = (child_text(root, "Quiet") or "false").strip().lower()
    if quiet not in ("true", "false"):
        raise RefusedError("MalformedXML", why={"xml": f"Quiet is {quiet!r}"})
    keys = [_delete_key(element) for element in children(root, "Object")]
    if not 1 <= len(keys) <= MAX_DELETE_KEYS:
        raise RefusedError("MalformedXML", why={"xml": f"{len(keys)} keys, 1 to {MAX_DELETE_KEYS}"})
    for key in keys:
        check_key(key)
        authorize_object(call, "oss:DeleteObject", call.bucket, key)
    for key in keys:
        call.store.delete_object(call.bucket.name, key)
    if quiet == "true":
        return Response(200)
    deleted = (tag("Deleted", (tag("Key", url(key) if encoded else key),)) for key in keys)
    body = document("DeleteResult", (encoding, *deleted))
    return Response(200, [("Content-Type", "application/xml")], body)


def _delete_key(element: Element) -> str:
    key = child_text(element, "Key")
    if key is None:
        raise RefusedError("MalformedXML", why={"xml": "an Object needs a Key"})
    if child_text(element, "VersionId"):
        raise RefusedError("NotImplemented", Header="VersionId")
    return key
