"""The operations ListObjects, ListObjectsV2 and ListObjectVersions.

Keys are in byte order. A delimiter groups keys into common prefixes. `max-keys` limits the number
of keys plus common prefixes. The continuation token is the last key or common prefix of the page,
encoded as base64. The versions of a key are in order of their creation, newest first. Source:
vendor page ListObjectVersions (GetBucketVersions).
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from mock_oss.errors import invalid_argument
from mock_oss.http.documents import elements, tag, xml_text
from mock_oss.http.request import one_of
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import check_version_id, iso, owner, url, url_encoder
from mock_oss.operations.object_settings import restore_info
from mock_oss.service import Call
from mock_oss.store.records import DELETE_MARKER, NULL_VERSION, ListEntry, VersionEntry
from mock_oss.store.tables import after_prefix

MAX_TEXT_BYTES = 1024
BEFORE_ALL = 1 << 62
"""A sequence number that is larger than those of all versions."""

_Entry = TypeVar("_Entry", ListEntry, VersionEntry)


class Page(NamedTuple, Generic[_Entry]):
    """One page of a list: objects or versions in `contents`, and common prefixes in `prefixes`.

    If more pages follow, `last` is the last key or common prefix of this page, in byte order.
    Otherwise `last` is empty text.
    """

    contents: list[_Entry]
    prefixes: list[str]
    last: str


def collect(
    fetch: Callable[[str, str, int], list[_Entry]],
    *,
    prefix: str,
    delimiter: str,
    marker: str,
    limit: int,
) -> Page[_Entry]:
    """Return one page of objects or versions, grouped into common prefixes by a delimiter.

    Args:
        fetch: a function (`after`, `start`, `limit`) that returns at most `limit` entries from the
            store, in byte order. Their keys have the prefix, come after the key `after`, and are
            not less than the text `start`, with which `collect` skips the keys of a common prefix.
        prefix: the prefix of all keys.
        delimiter: the text that ends a common prefix; empty for no grouping.
        marker: the key or common prefix after which the page begins; empty for the first page.
        limit: the largest number of keys and common prefixes in total.
    """
    contents: list[_Entry] = []
    prefixes: list[str] = []
    after, start, last = marker, "", ""
    if marker.startswith(prefix) and marker == folded_key(marker, prefix, delimiter):
        start = after_prefix(marker) or ""
    while True:
        remaining = limit - len(contents) - len(prefixes)
        records = fetch(after, start, remaining + 1)
        jumped = False
        for record in records:
            if len(contents) + len(prefixes) == limit:
                return Page(contents, prefixes, last)
            folded = folded_key(record.key, prefix, delimiter)
            if folded is None:
                contents.append(record)
                after = last = record.key
                continue
            if folded != marker:
                prefixes.append(folded)
                last = folded
            beyond = after_prefix(folded)
            if beyond is None:
                return Page(contents, prefixes, "")
            after, start, jumped = record.key, beyond, True
            break
        if not jumped and len(records) <= remaining:
            return Page(contents, prefixes, "")


def folded_key(key: str, prefix: str, delimiter: str) -> str | None:
    """Return the common prefix under which a list shows a key, such as `a/` for the key `a/b`.

    Returns:
        The key up to and including the first delimiter after `prefix`. None if there is none, or if
        the delimiter is empty: the list then shows the key itself.
    """
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return None if end < 0 else key[: end + len(delimiter)]


def _text_param(call: Call, name: str) -> str:
    """Return a query parameter that is a key or a part of a key; empty text if it is absent.

    Raises:
        RefusedError: InvalidArgument if the value is longer than a key.
    """
    value = call.param(name)
    if len(value.encode()) > MAX_TEXT_BYTES:
        raise invalid_argument(name, value[:64])
    return value


async def list_objects(call: Call) -> Response:
    """Return one page of the bucket's objects and common prefixes.

    The response is that of ListObjectsV2 if the parameter `list-type` is 2, and otherwise that of
    ListObjects.
    """
    kind = one_of("list-type", call.param("list-type"), ("", "1", "2"))
    limit = call.max_keys()
    write, encoding = url_encoder(call)
    token, start_after = call.param("continuation-token"), ""
    marker = _text_param(call, "start-after" if kind == "2" else "marker")
    if kind == "2":
        start_after = marker
        marker = _decode_token(token) if token else start_after
    prefix, delimiter = _text_param(call, "prefix"), _text_param(call, "delimiter")

    def fetch(after: str, start: str, count: int) -> list[ListEntry]:
        return call.store.objects.entries(
            call.bucket.name, prefix=prefix, after=after, start=start, limit=count
        )

    page = collect(fetch, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit)
    head: dict[str, Any] = {"Name": call.bucket.name, "Prefix": write(prefix)}
    if kind == "2":
        head |= {
            "StartAfter": write(start_after) if start_after else None,
            "ContinuationToken": token or None,
        }
        following = {"NextContinuationToken": _encode_token(page.last) if page.last else None}
    else:
        head["Marker"] = write(marker)
        following = {"NextMarker": write(page.last) if page.last else None}
    head |= {
        "MaxKeys": limit,
        "Delimiter": write(delimiter),
        "EncodingType": encoding,
        "IsTruncated": bool(page.last),
        **following,
    }
    with_owner = kind != "2" or call.param("fetch-owner") == "true"
    entries = _entries(call, page, encoded=encoding is not None, with_owner=with_owner)
    count = tag("KeyCount", len(page.contents) + len(page.prefixes)) if kind == "2" else ""
    return xml_response("ListBucketResult", (elements(head), *entries, count))


def _entries(call: Call, page: Page[ListEntry], *, encoded: bool, with_owner: bool) -> list[str]:
    owned = tag("Owner", owner(call.bucket.account_id)) if with_owner else ""
    write, now_ms = url if encoded else xml_text, call.now_ms

    def restored(record: ListEntry) -> str:
        return tag("RestoreInfo", restore_info(record.restored, now_ms) or None)

    # Formatting the texts directly is faster than `elements`, and lists are long.
    contents = [
        f"<Contents><Key>{write(record.key)}</Key><LastModified>{iso(record.modified_ms)}"
        f"</LastModified><ETag>&quot;{record.etag}&quot;</ETag><Type>{record.kind}</Type>"
        f"<Size>{record.size}</Size><StorageClass>{record.storage_class}</StorageClass>"
        f"{restored(record) if record.restored else ''}{owned}</Contents>"
        for record in page.contents
    ]
    contents += [
        f"<CommonPrefixes><Prefix>{write(prefix)}</Prefix></CommonPrefixes>"
        for prefix in page.prefixes
    ]
    return contents


def _encode_token(key: str) -> str:
    return base64.b64encode(key.encode(), altchars=b"._").decode().replace("=", "-")


def _decode_token(token: str) -> str:
    try:
        return base64.b64decode(token.replace("-", "="), altchars=b"._", validate=True).decode()
    except (binascii.Error, ValueError) as e:
        raise invalid_argument("continuation-token", token[:64]) from e


async def list_versions(call: Call) -> Response:
    """Return one page of the bucket's object versions, delete markers and common prefixes."""
    limit = call.max_keys()
    write, encoding = url_encoder(call)
    prefix, delimiter = _text_param(call, "prefix"), _text_param(call, "delimiter")
    marker, version_marker = _text_param(call, "key-marker"), call.param("version-id-marker")
    sequence = _sequence_after(call, marker, version_marker)

    def fetch(after: str, start: str, count: int) -> list[VersionEntry]:
        return call.store.versions.entries(
            call.bucket.name,
            prefix=prefix,
            after=(after, sequence if after == marker else 0),
            start=start,
            limit=count,
        )

    page = collect(fetch, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit)
    last = page.contents[-1] if page.contents else None
    next_version = last.version_id if last is not None and last.key == page.last else ""
    head = {
        "Name": call.bucket.name,
        "Prefix": write(prefix),
        "KeyMarker": write(marker),
        "VersionIdMarker": version_marker,
        "MaxKeys": limit,
        "Delimiter": write(delimiter),
        "EncodingType": encoding,
        "IsTruncated": bool(page.last),
        "NextKeyMarker": write(page.last) if page.last else None,
        "NextVersionIdMarker": next_version if page.last else None,
    }
    return xml_response(
        "ListVersionsResult",
        (
            elements(head),
            *(_version(call, entry, write) for entry in page.contents),
            elements({"CommonPrefixes": [{"Prefix": write(common)} for common in page.prefixes]}),
        ),
    )


def _sequence_after(call: Call, key: str, marker: str) -> int:
    """Return the sequence number below which the versions of the key marker are listed.

    Args:
        call: the request.
        key: the parameter `key-marker`.
        marker: the parameter `version-id-marker`. If it is empty, the list continues with the
            next key.

    Raises:
        RefusedError: InvalidArgument for a version id without a key, and for a text that is no
            version id.
    """
    if not marker:
        return 0
    if not key:
        message = "A version-id marker cannot be specified without a key marker."
        raise invalid_argument("version-id-marker", marker, message, ec="0012-00000106")
    sequence = check_version_id(marker, "version-id-marker")
    if marker == NULL_VERSION:
        record = call.store.version(call.bucket.name, key, marker)
        return BEFORE_ALL if record is None else record.sequence
    return sequence


def _version(call: Call, entry: VersionEntry, write: Callable[[str], str]) -> str:
    contents: dict[str, Any] = {
        "Key": write(entry.key),
        "VersionId": entry.version_id,
        "IsLatest": bool(entry.is_latest),
        "LastModified": iso(entry.modified_ms),
    }
    if entry.kind != DELETE_MARKER:
        contents |= {
            "ETag": f'"{entry.etag}"',
            "Type": entry.kind,
            "Size": entry.size,
            "StorageClass": entry.storage_class,
            "RestoreInfo": restore_info(entry.restored, call.now_ms) or None,
        }
    contents["Owner"] = owner(call.bucket.account_id)
    return tag("DeleteMarker" if entry.kind == DELETE_MARKER else "Version", contents)
