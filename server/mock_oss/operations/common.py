"""Helpers for several operations: dates, ETags, numbers in the query, and XML elements."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from urllib.parse import quote

from mock_oss.errors import RefusedError
from mock_oss.http.documents import child_text, children, parse, tag
from mock_oss.service import Call
from mock_oss.store import BucketRecord, ObjectRecord, Store
from mock_oss.store.records import NULL_VERSION
from mock_oss.store.version_ids import sequence_of

_UNUSUAL = re.compile(r"[^A-Za-z0-9_.~/-]")


def iso(timestamp_ms: int) -> str:
    """Return a time in the format of OSS's XML documents.

    Args:
        timestamp_ms: the time in milliseconds since the epoch.
    """
    return _iso_second(timestamp_ms // 1000)


@lru_cache(maxsize=4096)
def _iso_second(timestamp_s: int) -> str:
    return f"{datetime.fromtimestamp(timestamp_s, UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def gmt(timestamp_ms: int) -> str:
    """Return a time in the format of HTTP headers.

    Args:
        timestamp_ms: the time in milliseconds since the epoch.
    """
    return formatdate(timestamp_ms // 1000, usegmt=True)


def quoted(etag: str) -> str:
    """Return an ETag in double quotes."""
    return f'"{etag}"'


def endpoints(bucket: BucketRecord) -> tuple[str, str]:
    """Return two XML elements: the public and the internal endpoint of a bucket."""
    return (
        tag("ExtranetEndpoint", f"oss-{bucket.region}.aliyuncs.com"),
        tag("IntranetEndpoint", f"oss-{bucket.region}-internal.aliyuncs.com"),
    )


def location(call: Call, key: str) -> str:
    """Return the URL of an object, with the host and the addressing style of the request."""
    host = call.request.host
    if call.target.style == "path":
        return f"http://{host}/{call.bucket.name}/{quote(key)}"
    return f"http://{host}/{quote(key)}"


def tags_in(body: bytes) -> list[tuple[str, str]]:
    """Return the keys and values of a `Tagging` document; they have not been checked.

    Raises:
        RefusedError: MalformedXML for another document.
    """
    sets = children(parse(body, "Tagging"), "TagSet")
    if len(sets) != 1:
        raise RefusedError("MalformedXML", why={"xml": "a Tagging has one TagSet"})
    tags = []
    for element in children(sets[0], "Tag"):
        name = child_text(element, "Key")
        if name is None:
            raise RefusedError("MalformedXML", why={"xml": "a Tag needs a Key"})
        tags.append((name, child_text(element, "Value") or ""))
    return tags


def tag_set(tags: Mapping[str, str]) -> str:
    """Return the XML element `TagSet` with tags."""
    elements = (tag("Tag", (tag("Key", name), tag("Value", value))) for name, value in tags.items())
    return tag("TagSet", elements)


def owner(bucket: BucketRecord) -> str:
    """Return the XML element `Owner` of a bucket."""
    return tag("Owner", (tag("ID", bucket.account_id), tag("DisplayName", bucket.account_id)))


def existing(call: Call) -> ObjectRecord:
    """Return the addressed object: the current version, or the version of `versionId`.

    Raises:
        RefusedError: NoSuchKey if the object does not exist, or an error of `find_version`.
    """
    bucket, key = call.target.bucket, call.target.key
    version_id = call.request.params.get("versionId")
    if version_id is not None:
        return find_version(call.store, bucket, key, version_id)
    record = call.store.objects.get(bucket, key)
    if record is None:
        raise no_such_key(call.store, bucket, key)
    return record


def find_version(store: Store, bucket: str, key: str, version_id: str) -> ObjectRecord:
    """Return a version of an object.

    Raises:
        RefusedError: InvalidArgument for a text that is no version id, NoSuchVersion for an unknown
            version, MethodNotAllowed for a delete marker.
    """
    check_version_id(version_id)
    record = store.version(bucket, key, version_id)
    if record is None:
        raise RefusedError("NoSuchVersion", Key=key, VersionId=version_id)
    if record.is_delete_marker:
        raise RefusedError(
            "MethodNotAllowed",
            ec="0017-00000002",
            headers=_marker_headers(record),
            Method="",
            ResourceType="DeleteMarker",
        )
    return record


def check_version_id(version_id: str) -> None:
    """Refuse a text that is no version id.

    Raises:
        RefusedError: InvalidArgument.
    """
    if version_id != NULL_VERSION and sequence_of(version_id) is None:
        raise RefusedError(
            "InvalidArgument",
            "Invalid version id specified.",
            ArgumentName="versionId",
            ArgumentValue=version_id[:256],
        )


def no_such_key(store: Store, bucket: str, key: str) -> RefusedError:
    """Return the error for a missing object; its headers name a current delete marker."""
    marker = store.versions.newest(bucket, key)
    headers = {} if marker is None else _marker_headers(marker)
    return RefusedError("NoSuchKey", headers=headers, Key=key)


def _marker_headers(marker: ObjectRecord) -> dict[str, str]:
    return {"x-oss-delete-marker": "true", "x-oss-version-id": marker.version_id}


def version_headers(call: Call, record: ObjectRecord) -> list[tuple[str, str]]:
    """Return the header `x-oss-version-id`, or no header if the bucket never had versioning."""
    return [("x-oss-version-id", record.version_id)] if call.bucket.versioning else []


def number(call: Call, name: str, *, default: int, low: int, high: int) -> int:
    """Return a query parameter as a number, or `default` if the parameter is absent or empty.

    Raises:
        RefusedError: InvalidArgument if the value is not a number from `low` to `high`.
    """
    text = call.param(name)
    if not text:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high:
        return int(text)
    raise RefusedError("InvalidArgument", ArgumentName=name, ArgumentValue=text)


def max_keys(call: Call, name: str, *, default: int) -> int:
    """Return the page size from a query parameter, or `default` if the parameter is absent.

    Raises:
        RefusedError: InvalidArgument if the page size is not a number from 1 to 1000.
    """
    return number(call, name, default=default, low=1, high=1000)


def url_encoder(call: Call) -> tuple[bool, str]:
    """Read the parameter `encoding-type`: must the response percent-encode the object keys?

    Returns:
        (True, the XML element `EncodingType`) if the parameter `encoding-type` is `url`.
        (False, empty text) if the parameter is absent or empty.

    Raises:
        RefusedError: InvalidArgument for any other value.
    """
    wanted = call.param("encoding-type")
    if wanted and wanted != "url":
        raise RefusedError(
            "InvalidArgument",
            "Invalid Encoding Method specified in Request.",
            ArgumentName="encoding-type",
            ArgumentValue=wanted,
        )
    return bool(wanted), tag("EncodingType", "url") if wanted else ""


def url(text: str) -> str:
    """Return the text with all special characters percent-encoded, including slashes."""
    if _UNUSUAL.search(text) is None:
        return text.replace("/", "%2F")
    return quote(text, safe="")
