"""ListObjects, versions 1 and 2.

Keys are in byte order. A delimiter groups keys into common prefixes. `max-keys` limits the number
of keys plus common prefixes. The continuation token is the last key or common prefix of the page,
encoded as base64.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from mock_oss.errors import RefusedError
from mock_oss.http.documents import tag, xml_text
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import iso, max_keys, owner, url, url_encoder
from mock_oss.operations.restore import restore_info
from mock_oss.service import Call
from mock_oss.store.records import ListEntry
from mock_oss.store.tables import after_prefix

MAX_TEXT_BYTES = 1024


class _Keyed(Protocol):
    """An entry of a list, such as an object or a version."""

    @property
    def key(self) -> str:
        """The object key."""


_Entry = TypeVar("_Entry", bound=_Keyed)


class Page(NamedTuple, Generic[_Entry]):
    """One page of the entries and common prefixes for a response with a list.

    If more pages follow, `last` is the last key or common prefix of this page. Otherwise `last`
    is empty text.
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
    """Return one page of objects and common prefixes.

    Args:
        fetch: a function that reads objects from the store and returns only keys with the prefix.
            Its arguments are `after`, `start` and `limit`, as in `Objects.entries`.
        prefix: the prefix of all keys.
        delimiter: the text that ends a common prefix; empty for no grouping.
        marker: return only keys greater than this text. A common prefix equal to this text is
            omitted.
        limit: the largest number of keys and common prefixes in total.
    """
    contents: list[_Entry] = []
    prefixes: list[str] = []
    after, start, last = marker, "", ""
    if delimiter and marker.startswith(prefix):
        folded = _fold(marker, prefix, delimiter)
        if folded is not None and marker == folded:
            start = after_prefix(folded) or ""
    while True:
        remaining = limit - len(contents) - len(prefixes)
        records = fetch(after, start, remaining + 1)
        jumped = False
        for record in records:
            if len(contents) + len(prefixes) == limit:
                return Page(contents, prefixes, last)
            folded = _fold(record.key, prefix, delimiter)
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


def _fold(key: str, prefix: str, delimiter: str) -> str | None:
    """Return the common prefix of a key, or None if the key does not belong to a common prefix."""
    if not delimiter:
        return None
    end = key.find(delimiter, len(prefix))
    return None if end < 0 else key[: end + len(delimiter)]


async def list_objects(call: Call) -> Response:
    """Return one page of the bucket's objects and common prefixes."""
    kind = call.param("list-type")
    if kind == "2":
        return _version_2(call)
    if kind and kind != "1":
        raise RefusedError("InvalidArgument", ArgumentName="list-type", ArgumentValue=kind)
    return _version_1(call)


def _page(call: Call, marker: str, limit: int) -> Page[ListEntry]:
    bucket, prefix = call.bucket.name, text_param(call, "prefix")

    def fetch(after: str, start: str, count: int) -> list[ListEntry]:
        return call.store.objects.entries(
            bucket, prefix=prefix, after=after, start=start, limit=count
        )

    delimiter = text_param(call, "delimiter")
    return collect(fetch, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit)


def text_param(call: Call, name: str) -> str:
    """Return a query parameter that is a key or a part of a key; empty text if it is absent.

    Raises:
        RefusedError: InvalidArgument if the value is longer than a key.
    """
    value = call.param(name)
    if len(value.encode()) > MAX_TEXT_BYTES:
        raise RefusedError("InvalidArgument", ArgumentName=name, ArgumentValue=value[:64])
    return value


def _version_1(call: Call) -> Response:
    limit = max_keys(call, "max-keys", default=100)
    encoded, encoding = url_encoder(call)
    marker = text_param(call, "marker")
    page = _page(call, marker, limit)
    write = url if encoded else str
    return xml_response(
        "ListBucketResult",
        (
            tag("Name", call.bucket.name),
            tag("Prefix", write(call.param("prefix"))),
            tag("Marker", write(marker)),
            tag("MaxKeys", limit),
            tag("Delimiter", write(call.param("delimiter"))),
            encoding,
            tag("IsTruncated", str(bool(page.last)).lower()),
            tag("NextMarker", write(page.last) if page.last else None),
            *_entries(call, page, encoded=encoded, with_owner=True),
        ),
    )


def _version_2(call: Call) -> Response:
    limit = max_keys(call, "max-keys", default=100)
    encoded, encoding = url_encoder(call)
    token, start_after = call.param("continuation-token"), text_param(call, "start-after")
    page = _page(call, _decode_token(token) if token else start_after, limit)
    write = url if encoded else str
    fetch_owner = call.param("fetch-owner") == "true"
    return xml_response(
        "ListBucketResult",
        (
            tag("Name", call.bucket.name),
            tag("Prefix", write(call.param("prefix"))),
            tag("StartAfter", write(start_after) if start_after else None),
            tag("ContinuationToken", token or None),
            tag("MaxKeys", limit),
            tag("Delimiter", write(call.param("delimiter"))),
            encoding,
            tag("IsTruncated", str(bool(page.last)).lower()),
            tag("NextContinuationToken", _encode_token(page.last) if page.last else None),
            *_entries(call, page, encoded=encoded, with_owner=fetch_owner),
            tag("KeyCount", len(page.contents) + len(page.prefixes)),
        ),
    )


def _entries(call: Call, page: Page[ListEntry], *, encoded: bool, with_owner: bool) -> list[str]:
    owned = owner(call.bucket) if with_owner else ""
    write, now_ms = url if encoded else xml_text, call.service.now_ms()

    def restored(record: ListEntry) -> str:
        return tag("RestoreInfo", restore_info(record.restored, now_ms) or None)

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
        raise RefusedError(
            "InvalidArgument", ArgumentName="continuation-token", ArgumentValue=token[:64]
        ) from e
