"""Helpers for several operations: requests, versions, ETags, and parts of XML documents."""

import re
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http import dates
from mock_oss.http.documents import child_text, children, malformed_xml, parse
from mock_oss.http.request import whole_number
from mock_oss.service import Call
from mock_oss.store import BucketRecord, ObjectRecord, Store
from mock_oss.store.records import NULL_VERSION
from mock_oss.store.version_ids import sequence_of

MAX_XML_BYTES = 1 << 20
_UNUSUAL = re.compile(r"[^A-Za-z0-9_.~/-]")


async def read_xml(call: Call, root: str, limit: int = MAX_XML_BYTES) -> Element:
    """Return the root element of the request body, which has at most `limit` bytes.

    Raises:
        RefusedError: MalformedXML for a longer body, or another document.
    """
    return parse(await call.body.read(limit), root)


def iso(timestamp_ms: int) -> str:
    """Return a time in the format of OSS's XML documents.

    Args:
        timestamp_ms: the time in milliseconds since the epoch.
    """
    return f"{dates.iso(timestamp_ms // 1000)[:-1]}.000Z"


def gmt(timestamp_ms: int) -> str:
    """Return a time in the format of HTTP headers.

    Args:
        timestamp_ms: the time in milliseconds since the epoch.
    """
    return formatdate(timestamp_ms // 1000, usegmt=True)


def quoted(etag: str) -> str:
    """Return an ETag in double quotes."""
    return f'"{etag}"'


def location(call: Call, key: str) -> str:
    """Return the URL of an object, with the host and the addressing style of the request."""
    bucket = f"/{call.bucket.name}" if call.target.style == "path" else ""
    return f"http://{call.request.host}{bucket}/{quote(key)}"


def endpoints(bucket: BucketRecord) -> dict[str, str]:
    """Return XML elements with the public and the internal endpoint of a bucket."""
    return {
        "ExtranetEndpoint": f"oss-{bucket.region}.aliyuncs.com",
        "IntranetEndpoint": f"oss-{bucket.region}-internal.aliyuncs.com",
    }


def owner(account_id: str) -> dict[str, str]:
    """Return the content of the XML element `Owner`."""
    return {"ID": account_id, "DisplayName": account_id}


def acl_document(bucket: BucketRecord, acl: str) -> dict[str, Any]:
    """Return the content of an `AccessControlPolicy` document of a bucket or of its object."""
    return {"Owner": owner(bucket.account_id), "AccessControlList": {"Grant": acl}}


async def tags_in(call: Call, limit: int) -> list[tuple[str, str]]:
    """Return the keys and values of the `Tagging` document in a body; they are not checked.

    Raises:
        RefusedError: MalformedXML for another document.
    """
    sets = children(await read_xml(call, "Tagging", limit), "TagSet")
    if len(sets) != 1:
        raise malformed_xml("a Tagging has one TagSet")
    tags = []
    for element in children(sets[0], "Tag"):
        name = child_text(element, "Key")
        if name is None:
            raise malformed_xml("a Tag needs a Key")
        tags.append((name, child_text(element, "Value") or ""))
    return tags


def tagging(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the content of a `Tagging` document with tags."""
    return {"TagSet": {"Tag": [{"Key": key, "Value": value} for key, value in tags.items()]}}


def existing(call: Call) -> ObjectRecord:
    """Return the addressed object: the current version, or the version of `versionId`.

    Raises:
        RefusedError: an error of `find_object`.
    """
    version_id = call.request.params.get("versionId")
    return find_object(call.store, call.target.bucket, call.target.key, version_id)


def find_object(store: Store, bucket: str, key: str, version_id: str | None) -> ObjectRecord:
    """Return the current version of an object, or another version if `version_id` is not None.

    Raises:
        RefusedError: NoSuchKey if the object does not exist; its headers name a current delete
            marker. InvalidArgument for a text that is no version id, NoSuchVersion for an unknown
            version, MethodNotAllowed for a delete marker.
    """
    if version_id is None:
        record = store.objects.get(bucket, key)
        if record is None:
            marker = store.versions.newest(bucket, key)
            headers = {} if marker is None else _marker_headers(marker)
            raise RefusedError("NoSuchKey", headers=headers, Key=key)
        return record
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


def check_version_id(version_id: str, name: str = "versionId") -> int:
    """Return the sequence number in a version id, or 0 for the id `null`.

    Raises:
        RefusedError: InvalidArgument for a text that is no version id.
    """
    sequence = 0 if version_id == NULL_VERSION else sequence_of(version_id)
    if sequence is None:
        raise invalid_argument(name, version_id[:256], "Invalid version id specified.")
    return sequence


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
    value = whole_number(text, low, high)
    if value is None:
        raise invalid_argument(name, text)
    return value


DEFAULT_KEYS = 100
"""The page size of a list if the client names none."""


def max_keys(call: Call, name: str = "max-keys", *, default: int = DEFAULT_KEYS) -> int:
    """Return the page size from a query parameter, or `default` if the parameter is absent.

    Raises:
        RefusedError: InvalidArgument if the page size is not a number from 1 to 1000.
    """
    return number(call, name, default=default, low=1, high=1000)


def url_encoder(call: Call) -> tuple[Callable[[str], str], str | None]:
    """Read the parameter `encoding-type`: must the response percent-encode the object keys?

    Returns:
        The function that writes a key, and the content of the XML element `EncodingType`, or None.

    Raises:
        RefusedError: InvalidArgument if the parameter is neither `url` nor empty.
    """
    wanted = call.param("encoding-type")
    if wanted and wanted != "url":
        message = "Invalid Encoding Method specified in Request."
        raise invalid_argument("encoding-type", wanted, message)
    return (url, wanted) if wanted else (str, None)


def url(text: str) -> str:
    """Return the text with all special characters percent-encoded, including slashes."""
    if _UNUSUAL.search(text) is None:
        return text.replace("/", "%2F")
    return quote(text, safe="")
