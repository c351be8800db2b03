"""Helper functions for several operations: parameters, versions, ETags, parts of XML documents."""

import re
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http import dates
from mock_oss.http.documents import malformed_xml
from mock_oss.service import Call
from mock_oss.store.data_directory import Store
from mock_oss.store.records import NULL_VERSION, BucketRecord, ObjectRecord
from mock_oss.store.versions import sequence_of

_UNUSUAL = re.compile(r"[^A-Za-z0-9_.~/-]")


def iso(timestamp_ms: int) -> str:
    """Return a time in the format of OSS's XML documents, such as `2025-01-31T08:00:00.000Z`.

    Args:
        timestamp_ms: the time in milliseconds since the epoch; parts of a second are dropped.
    """
    return f"{dates.iso(timestamp_ms // 1000)[:-1]}.000Z"


def gmt(timestamp_ms: int) -> str:
    """Return a time in the format of HTTP headers, such as `Fri, 31 Jan 2025 08:00:00 GMT`.

    Args:
        timestamp_ms: the time in milliseconds since the epoch.
    """
    return formatdate(timestamp_ms // 1000, usegmt=True)


def endpoints(bucket: BucketRecord) -> dict[str, str]:
    """Return the public and the internal endpoint of a bucket: {XML element name: host name}."""
    return {
        "ExtranetEndpoint": f"oss-{bucket.region}.aliyuncs.com",
        "IntranetEndpoint": f"oss-{bucket.region}-internal.aliyuncs.com",
    }


def owner(account_id: str) -> dict[str, str]:
    """Return the content of the XML element `Owner` for an account: {child name: text}."""
    return {"ID": account_id, "DisplayName": account_id}


def acl_document(bucket: BucketRecord, acl: str) -> dict[str, Any]:
    """Return the content of an `AccessControlPolicy` document, as nested dicts.

    Args:
        bucket: the bucket, whose account is the owner in the document.
        acl: the ACL of the bucket or of an object in the bucket.
    """
    return {"Owner": owner(bucket.account_id), "AccessControlList": {"Grant": acl}}


async def tags_in(call: Call, limit: int) -> list[tuple[str, str]]:
    """Return the tags in the request body, a `Tagging` document, as (key, value) pairs.

    The keys and values are not checked.

    Args:
        call: the request.
        limit: the largest allowed size of the body in bytes.

    Raises:
        RefusedError: MalformedXML if the body is too long, or is not a `Tagging` document.
    """
    tags = []
    for element in (await call.read_xml("Tagging", limit)).one("TagSet").all("Tag"):
        name = element.value("Key")
        if name is None:
            raise malformed_xml("a Tag needs a Key")
        tags.append((name, element.value("Value") or ""))
    return tags


def tagging(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the content of a `Tagging` document, as nested dicts, for the tags {key: value}."""
    return {"TagSet": {"Tag": [{"Key": key, "Value": value} for key, value in tags.items()]}}


def existing(call: Call) -> ObjectRecord:
    """Return the object that the request addresses, in its current version.

    If the request has the parameter `versionId`, return the version with this id instead.

    Raises:
        RefusedError: the object or version does not exist; see `find_object` for the codes.
    """
    version_id = call.request.params.get("versionId")
    return find_object(call.store, call.target.bucket, call.target.key, version_id)


def find_object(store: Store, bucket: str, key: str, version_id: str | None) -> ObjectRecord:
    """Return the database row of one version of an object.

    Args:
        store: the store to search.
        bucket: the bucket's name.
        key: the object's key.
        version_id: the id of the version; None for the current version.

    Raises:
        RefusedError: if `version_id` is None, NoSuchKey if the object has no current version; the
            error has response headers that name the delete marker, if there is one. Otherwise,
            InvalidArgument if `version_id` is not a version id, NoSuchVersion if no version has
            this id, and MethodNotAllowed if a delete marker has this id.
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
    """Return the sequence number that a version id contains, or 0 for the version id `null`.

    Args:
        version_id: the text to check.
        name: the name of the parameter that contained this text, for the error message.

    Raises:
        RefusedError: InvalidArgument if the text is not a version id.
    """
    sequence = 0 if version_id == NULL_VERSION else sequence_of(version_id)
    if sequence is None:
        raise invalid_argument(name, version_id[:256], "Invalid version id specified.")
    return sequence


def _marker_headers(marker: ObjectRecord) -> dict[str, str]:
    return {"x-oss-delete-marker": "true", "x-oss-version-id": marker.version_id}


def url_encoder(call: Call) -> tuple[Callable[[str], str], str | None]:
    """Return how the response must encode object keys, according to the parameter `encoding-type`.

    Returns:
        The function that encodes a key, and the content of the XML element `EncodingType` (None if
        keys are not encoded).

    Raises:
        RefusedError: InvalidArgument if the parameter is neither `url` nor empty.
    """
    wanted = call.param("encoding-type")
    if wanted and wanted != "url":
        message = "Invalid Encoding Method specified in Request."
        raise invalid_argument("encoding-type", wanted, message)
    return (url, wanted) if wanted else (str, None)


def url(text: str) -> str:
    """Return a text percent-encoded; only ASCII letters, digits and `-._~` stay as they are."""
    if _UNUSUAL.search(text) is None:
        return text.replace("/", "%2F")
    return quote(text, safe="")
