"""ACL and tags of objects, targets of symlinks, and restoration of archived objects.

The duration of a restoration depends on the storage class and the tier, and follows the mock's
clock. The mock uses the longest duration that the vendor documents for Archive, ColdArchive and
DeepColdArchive. Source: vendor pages RestoreObject and CleanRestoredObject.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from mock_oss.access.authorization import authorize
from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.documents import malformed_xml, parse
from mock_oss.http.request import one_of, whole_number
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import acl_document, existing, gmt, tagging, tags_in, url
from mock_oss.operations.object_headers import OBJECT_ACLS, check_tags
from mock_oss.operations.objects import SYMLINK_TARGET
from mock_oss.service import Call
from mock_oss.store.records import ObjectRecord

MAX_BODY_BYTES = 64 << 10
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
TIERS = ("Expedited", "Standard", "Bulk")
TIMES_MS: Mapping[str, Mapping[str, int]] = {
    "Archive": {"": MINUTE_MS},
    "ColdArchive": {"Expedited": HOUR_MS, "Standard": 5 * HOUR_MS, "Bulk": 12 * HOUR_MS},
    "DeepColdArchive": {"Expedited": 12 * HOUR_MS, "Standard": 48 * HOUR_MS},
}
"""Storage class -> tier -> the time of the restoration in milliseconds. Archive has no tiers."""
MAX_DAYS = {"Archive": 7, "ColdArchive": 365, "DeepColdArchive": 365}


def _changed(call: Call, status: int = 200, **changes: Any) -> Response:
    """Change fields of the addressed object, and return an empty response."""
    record = existing(call)
    call.store.update(record._replace(**changes))
    return Response(status, call.version_headers(record))


async def put_acl(call: Call) -> Response:
    """Set the object's ACL to the value of the header `x-oss-object-acl`."""
    acl = call.header("x-oss-object-acl") or ""
    return _changed(call, acl=one_of("x-oss-object-acl", acl, OBJECT_ACLS))


async def get_acl(call: Call) -> Response:
    """Return an object's ACL."""
    record = existing(call)
    document = acl_document(call.bucket, record.acl)
    return xml_response("AccessControlPolicy", document, call.version_headers(record))


async def put_tagging(call: Call) -> Response:
    """Replace all tags of the object with the tags in the request body.

    Last-Modified does not change.
    """
    checked = check_tags(await tags_in(call, MAX_BODY_BYTES))
    authorize(call, "oss:PutObjectTagging", tags=checked)
    return _changed(call, tagging=json.dumps(checked))


async def get_tagging(call: Call) -> Response:
    """Return an object's tags."""
    record = existing(call)
    return xml_response("Tagging", tagging(record.tags), call.version_headers(record))


async def delete_tagging(call: Call) -> Response:
    """Delete an object's tags."""
    return _changed(call, 204, tagging="{}")


async def get_symlink(call: Call) -> Response:
    """Return the key of a symlink's target, in the response header `x-oss-symlink-target`.

    Raises:
        RefusedError: NotSymlink if the object is not a symlink.
    """
    record = existing(call)
    if record.kind != "Symlink":
        raise RefusedError("NotSymlink", Key=call.key)
    stored = record.stored_headers
    headers = [(SYMLINK_TARGET, url(stored[SYMLINK_TARGET])), ("ETag", f'"{record.etag}"')]
    headers += [(n, v) for n, v in stored.items() if n.startswith("x-oss-meta-")]
    return Response(200, headers + call.version_headers(record))


class _Restoration(NamedTuple):
    """The state of a restoration, as stored: times in milliseconds since the epoch, and the tier.

    `tier` is empty text for Archive.
    """

    ready_ms: int
    expires_ms: int
    tier: str


def _restoration(stored: str, now_ms: int) -> _Restoration | None:
    """Return the restoration of an object, or None if there is none or if it has expired."""
    if not stored:
        return None
    restoration = _Restoration._make(json.loads(stored))
    return restoration if now_ms < restoration.expires_ms else None


def restore_info(stored: str, now_ms: int) -> str:
    """Return the value of the response header `x-oss-restore` of an object.

    Args:
        stored: the field `restored` of the object's `ObjectRecord`.
        now_ms: the mock's time in milliseconds since the epoch.

    Returns:
        The value, such as `ongoing-request="true"`; empty text if the object is neither restored
        nor being restored.
    """
    restoration = _restoration(stored, now_ms)
    if restoration is None:
        return ""
    if now_ms < restoration.ready_ms:
        return 'ongoing-request="true"'
    return f'ongoing-request="false", expiry-date="{gmt(restoration.expires_ms)}"'


def check_readable(record: ObjectRecord, now_ms: int) -> None:
    """Check that the data of an object can be read: it is not archived, or it is restored.

    Raises:
        RefusedError: InvalidObjectState for an archived object that is not restored.
    """
    if record.storage_class not in TIMES_MS:
        return
    restoration = _restoration(record.restored, now_ms)
    if restoration is None or now_ms < restoration.ready_ms:
        raise RefusedError("InvalidObjectState", Key=record.key, StorageClass=record.storage_class)


async def restore_object(call: Call) -> Response:
    """Start the restoration of an archived object, or extend the time for which it stays readable.

    The request body contains the number of days and the tier, which sets the speed. The response
    has status 202 if a restoration starts, and 200 if the time is extended.

    Raises:
        RefusedError: OperationNotSupported for an object that is not archived, MalformedXML for a
            body that is not valid, InvalidArgument for a wrong number of days or tier,
            RestoreAlreadyInProgress if a restoration with the same or a faster tier is running.
    """
    days, tier = _wanted(await call.body.read(MAX_BODY_BYTES))
    record = existing(call)
    times = TIMES_MS.get(record.storage_class)
    if times is None:
        raise RefusedError("OperationNotSupported", StorageClass=record.storage_class)
    if not 1 <= days <= MAX_DAYS[record.storage_class]:
        raise invalid_argument("Days", days)
    if "" in times and tier is not None:
        raise malformed_xml("Archive has no JobParameters")
    tier = "" if "" in times else tier or "Standard"
    one_of("Tier", tier, times, ec="0016-00000703")
    now_ms = call.now_ms
    running = _restoration(record.restored, now_ms)
    ready_ms, status = now_ms + times[tier], 202
    if running is not None and running.ready_ms <= now_ms:
        ready_ms, tier, status = running.ready_ms, running.tier, 200
    elif running is not None and (
        not tier or TIERS.index(tier) >= TIERS.index(running.tier)
    ):  # only a faster tier may replace a restoration in progress
        ec = "0016-00000715" if tier and tier != running.tier else None
        raise RefusedError("RestoreAlreadyInProgress", ec=ec, Key=record.key)
    expires_ms = max(ready_ms, now_ms) + days * DAY_MS
    restored = json.dumps(_Restoration(ready_ms, expires_ms, tier))
    call.store.update(record._replace(restored=restored))
    headers = call.version_headers(record)
    if tier:
        headers.append(("x-oss-object-restore-priority", tier))
    return Response(status, headers)


def _wanted(body: bytes) -> tuple[int, str | None]:
    """Return the number of days and the tier in a RestoreRequest document.

    Returns:
        (days, tier); the default is 1 day. The tier has not been checked; it is None for a document
        without JobParameters.

    Raises:
        RefusedError: MalformedXML if the document is not valid.
    """
    if not body:
        return 1, None
    root = parse(body, "RestoreRequest")
    text = (root.value("Days") or "1").strip()
    days = whole_number(text, 0, 10**6 - 1)
    if days is None:
        raise malformed_xml(f"Days is {text!r}")
    tiers = [element.value("Tier") or "" for element in root.all("JobParameters")]
    return days, tiers[0] if tiers else None


async def clean_restored(call: Call) -> Response:
    """End the readable period of a restored ColdArchive or DeepColdArchive object early.

    Raises:
        RefusedError: OperationNotSupported for another storage class, ArchiveRestoreFileStale if
            the object is not restored, ArchiveRestoreNotFinished if the restoration is still
            running.
    """
    record = existing(call)
    if record.storage_class not in ("ColdArchive", "DeepColdArchive"):
        raise RefusedError("OperationNotSupported", StorageClass=record.storage_class)
    now_ms = call.now_ms
    running = _restoration(record.restored, now_ms)
    if running is None:
        raise RefusedError("ArchiveRestoreFileStale", Key=record.key)
    if now_ms < running.ready_ms:
        raise RefusedError("ArchiveRestoreNotFinished", Key=record.key)
    return _changed(call, restored="")
