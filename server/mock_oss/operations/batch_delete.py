"""DeleteMultipleObjects: deleting up to 1,000 objects with one request."""

from xml.etree.ElementTree import Element

from mock_oss.access.authorization import authorize_object
from mock_oss.errors import RefusedError
from mock_oss.http.addressing import check_key
from mock_oss.http.documents import child_text, children, document, parse, tag
from mock_oss.http.response import Response
from mock_oss.operations.common import check_version_id, url, url_encoder
from mock_oss.service import Call

MAX_DELETE_BYTES = 2 << 20
MAX_DELETE_KEYS = 1000


async def delete_objects(call: Call) -> Response:
    """Delete up to 1,000 objects or versions, after checking the caller's permission for each."""
    encoded, encoding = url_encoder(call)
    if call.header("content-md5") is None:
        raise RefusedError("MissingArgument", ArgumentName="Content-MD5")
    body = await call.body.read(MAX_DELETE_BYTES)
    root = parse(body, "Delete")
    quiet = (child_text(root, "Quiet") or "false").strip().lower()
    if quiet not in ("true", "false"):
        raise RefusedError("MalformedXML", why={"xml": f"Quiet is {quiet!r}"})
    doomed = [_doomed(element) for element in children(root, "Object")]
    if not 1 <= len(doomed) <= MAX_DELETE_KEYS:
        xml = f"{len(doomed)} keys, 1 to {MAX_DELETE_KEYS}"
        raise RefusedError("MalformedXML", why={"xml": xml})
    for key, version_id in doomed:
        authorize_object(call, "oss:DeleteObject", call.bucket, key, version_id)
        check_key(key)
    deleted = [_delete(call, key, version_id, encoded=encoded) for key, version_id in doomed]
    if quiet == "true":
        return Response(200)
    body = document("DeleteResult", (encoding, *deleted))
    return Response(200, [("Content-Type", "application/xml")], body)


def _delete(call: Call, key: str, version_id: str, *, encoded: bool) -> str:
    """Delete one object or version; return its XML element `Deleted`."""
    name, marker = call.bucket.name, ""
    if version_id:
        removed = call.store.delete_version(name, key, version_id)
        if removed is not None and removed.is_delete_marker:
            marker = version_id
    else:
        marker = call.store.delete_object(name, key, call.service.now_ms())
    return tag(
        "Deleted",
        (
            tag("Key", url(key) if encoded else key),
            tag("VersionId", version_id or None),
            tag("DeleteMarker", "true" if marker else None),
            tag("DeleteMarkerVersionId", marker or None),
        ),
    )


def _doomed(element: Element) -> tuple[str, str]:
    """Return the key and the version id of an `Object` element; the id may be empty text."""
    key = child_text(element, "Key")
    if key is None:
        raise RefusedError("MalformedXML", why={"xml": "an Object needs a Key"})
    version_id = child_text(element, "VersionId")
    if version_id == "":
        raise RefusedError(
            "InvalidArgument", ec="0016-00000612", ArgumentName="VersionId", ArgumentValue=""
        )
    if version_id is not None:
        check_version_id(version_id)
    return key, version_id or ""
