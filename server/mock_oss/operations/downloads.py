"""Reading objects: GetObject, HeadObject and GetObjectMeta.

The mock compresses a body if it is text of at least 1,024 bytes and the client accepts gzip.
Sources: vendor page GetObject, and (for the headers of compressed responses) the tests of the
official SDK.
"""

from collections.abc import Mapping

from mock_oss.access.authorization import authorize_object
from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.dates import parse_gmt
from mock_oss.http.request import Request, header_text, parse_range
from mock_oss.http.response import Response
from mock_oss.operations.common import existing, gmt
from mock_oss.operations.object_headers import KEPT_HEADERS
from mock_oss.operations.object_settings import check_readable, restore_info
from mock_oss.operations.objects import SYMLINK_TARGET
from mock_oss.service import Call
from mock_oss.store.records import ObjectRecord, clip

OVERRIDES = {f"response-{name}": name for name in KEPT_HEADERS}
_TITLES = {name: name.title() for name in KEPT_HEADERS}
MIN_GZIP_BYTES = 1024
GZIP_TYPES = frozenset(
    """application/javascript application/json application/rss+xml application/x-javascript
    application/xml text/cache-manifest text/css text/html text/javascript text/json text/plain
    text/xml""".split()  # noqa: SIM905 - easier to read as a table
)
_NOT_WITH_GZIP = frozenset({"etag", "content-md5", "accept-ranges"})


def check_conditions(
    headers: Mapping[str, str], record: ObjectRecord, *, prefix: str = "", copying: bool = False
) -> None:
    """Check that an object satisfies the conditional headers of a request, such as If-Match.

    A header whose date is not valid is ignored, as the HTTP standard requires.

    Args:
        headers: the headers of the request, with lower-case names.
        record: the object.
        prefix: the text before `if-match` in the header names: `x-oss-copy-source-` for CopyObject
            and UploadPartCopy, empty for other operations.
        copying: True to raise PreconditionFailed instead of NotModified, as OSS does for
            UploadPartCopy, but not for CopyObject.

    Raises:
        RefusedError: PreconditionFailed (412) or NotModified (304) if a condition is not satisfied.
    """
    match = headers.get(f"{prefix}if-match")
    if match is not None and not _lists(match, record.etag):
        raise _failed("If-Match")
    none_match = headers.get(f"{prefix}if-none-match")
    if none_match is not None and _lists(none_match, record.etag):
        raise _failed("If-None-Match") if copying else _not_modified(record)
    modified_s = record.modified_ms // 1000
    unmodified_since = _seconds(headers.get(f"{prefix}if-unmodified-since"))
    if unmodified_since is not None and modified_s > unmodified_since:
        raise _failed("If-Unmodified-Since")
    modified_since = _seconds(headers.get(f"{prefix}if-modified-since"))
    if modified_since is not None and modified_s <= modified_since:
        raise _failed("If-Modified-Since") if copying else _not_modified(record)


def _failed(condition: str) -> RefusedError:
    return RefusedError("PreconditionFailed", Condition=condition)


def _not_modified(record: ObjectRecord) -> RefusedError:
    headers = {"ETag": f'"{record.etag}"', "Last-Modified": gmt(record.modified_ms)}
    return RefusedError("NotModified", headers=headers)


def _lists(header: str, etag: str) -> bool:
    return any(item.strip().strip('"') in (etag, "*") for item in header.split(","))


def _seconds(header: str | None) -> int | None:
    moment = None if header is None else parse_gmt(header)
    return None if moment is None else int(moment.timestamp())


def _wants_gzip(request: Request, headers: list[tuple[str, str]], size: int) -> bool:
    """Return whether the response body must be compressed with gzip.

    Args:
        request: the request with its Accept-Encoding header.
        headers: the headers of the response.
        size: the number of bytes in the body.
    """
    offered = request.headers.get("accept-encoding", "")
    if "gzip" not in offered or size < MIN_GZIP_BYTES or request.http_version != "1.1":
        return False
    if not any(_accepts_gzip(item) for item in offered.split(",")):
        return False
    known = {name.lower(): value for name, value in headers}
    kind = known.get("content-type", "").partition(";")[0].strip().lower()
    return kind in GZIP_TYPES and "content-encoding" not in known


def _accepts_gzip(item: str) -> bool:
    name, _, quality = item.replace(" ", "").partition(";q=")
    return name == "gzip" and (not quality or quality.strip("0.") != "")


def object_headers(call: Call, record: ObjectRecord) -> list[tuple[str, str]]:
    """Return the headers with which GetObject and HeadObject describe an object.

    They are (name, value) pairs, such as ETag, Last-Modified, x-oss-object-type, and the headers
    that were stored with the object.
    """
    headers = [
        *call.stored(record),
        ("Last-Modified", gmt(record.modified_ms)),
        ("Accept-Ranges", "bytes"),
        ("x-oss-object-type", record.kind),
        ("x-oss-storage-class", record.storage_class),
    ]
    if record.md5:
        headers.append(("Content-MD5", record.md5))
    if record.kind == "Appendable":
        headers.append(("x-oss-next-append-position", str(record.size)))
    if record.restored and (info := restore_info(record.restored, call.now_ms)):
        headers.append(("x-oss-restore", info))
    if record.tagging != "{}":
        headers.append(("x-oss-tagging-count", str(len(record.tags))))
    for name, value in record.stored_headers.items():
        if name != SYMLINK_TARGET:
            headers.append((_TITLES.get(name, name), value))
    return headers


def override(call: Call, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return response headers with the changes that the request asks for.

    A query parameter such as `response-content-type` contains the new value of the header
    Content-Type.

    Args:
        call: the request.
        headers: the response headers, as (name, value) pairs.

    Raises:
        RefusedError: InvalidRequest if a request without a signature has such a parameter,
            InvalidArgument for a value with control characters.
    """
    wanted = {
        OVERRIDES[name]: value for name, value in call.request.params.items() if name in OVERRIDES
    }
    if not wanted:
        return headers
    if call.caller.kind == "anonymous":
        raise RefusedError("InvalidRequest", "Response headers cannot be overridden anonymously.")
    for name, value in wanted.items():
        if not value.isprintable():
            raise invalid_argument(f"response-{name}", value)
    kept = [(name, value) for name, value in headers if name.lower() not in wanted]
    return kept + [(_TITLES[n], header_text(value)) for n, value in wanted.items()]


def _resolve(call: Call, record: ObjectRecord) -> ObjectRecord:
    """Follow a symlink: return its record with the content of the target object.

    The size, ETag, checksums and data come from the target; the headers come from the symlink. An
    object that is not a symlink is returned unchanged.

    Raises:
        RefusedError: AccessDenied if the caller may not read the target, SymlinkTargetNotExist if
            the target does not exist, InvalidTargetType if the target is a symlink.
    """
    if record.kind != "Symlink":
        return record
    name = record.stored_headers[SYMLINK_TARGET]
    authorize_object(call, "oss:GetObject", call.bucket, name)
    target = call.store.objects.get(call.bucket.name, name)
    if target is None:
        raise RefusedError("SymlinkTargetNotExist", Key=record.key)
    if target.kind == "Symlink":
        raise RefusedError("InvalidTargetType", why={"kind": "symlink", "target": target.key})
    return record._replace(
        size=target.size,
        etag=target.etag,
        md5=target.md5,
        crc64=target.crc64,
        modified_ms=max(record.modified_ms, target.modified_ms),
        segments_json=target.segments_json,
    )


def readable(call: Call) -> ObjectRecord:
    """Return the object that the request addresses, after a check that its data can be read.

    For a symlink, the size, ETag, checksums and data in the result are those of the target object.

    Raises:
        RefusedError: InvalidObjectState if the object is archived and not restored. AccessDenied if
            the caller may not read the target of the symlink, SymlinkTargetNotExist if the target
            does not exist, InvalidTargetType if it is a symlink too. See `find_object` for the
            codes if the object does not exist.
    """
    record = existing(call)
    check_readable(record, call.now_ms)
    return _resolve(call, record)


async def get_object(call: Call) -> Response:
    """Return the data of an object; with a Range header, only the requested range."""
    record = readable(call)
    check_conditions(call.request.headers, record)
    headers = override(call, object_headers(call, record))
    part = parse_range(call.request.headers, record.size)
    segments = record.segments
    if part is not None:
        offset, length = part
        headers.append(("Content-Range", f"bytes {offset}-{offset + length - 1}/{record.size}"))
        return Response(206, headers, segments=clip(segments, offset, length), length=length)
    if not _wants_gzip(call.request, headers, record.size):
        return Response(200, headers, segments=segments, length=record.size)
    kept = [pair for pair in headers if pair[0].lower() not in _NOT_WITH_GZIP]
    kept += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
    return Response(200, kept, segments=segments, length=None, is_gzip=True)


async def head_object(call: Call) -> Response:
    """Return the headers of a GetObject response, without the data of the object."""
    record = _resolve(call, existing(call))
    check_conditions(call.request.headers, record)
    return Response(200, object_headers(call, record), length=record.size)


async def get_object_meta(call: Call) -> Response:
    """Return only the size, ETag, modification time and CRC-64 of an object, as response headers.

    The response has no body, also for a GET request.
    """
    record = _resolve(call, existing(call))
    headers = [*call.stored(record), ("Last-Modified", gmt(record.modified_ms))]
    return Response(200, headers, length=record.size)
