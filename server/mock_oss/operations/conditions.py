"""Conditional headers of GetObject, HeadObject and CopyObject."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from mock_oss.errors import RefusedError
from mock_oss.operations.common import gmt, quoted
from mock_oss.store import ObjectRecord


def check_conditions(
    headers: Mapping[str, str], record: ObjectRecord, *, prefix: str = "", copying: bool = False
) -> None:
    """Check the conditional headers of a request, such as If-Match, against an object.

    Args:
        headers: the headers of the request.
        record: the object.
        prefix: the prefix of the header names: `x-oss-copy-source-` for CopyObject and
            UploadPartCopy, empty for other operations.
        copying: True for UploadPartCopy: raise PreconditionFailed instead of NotModified.

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
    return RefusedError(
        "NotModified",
        headers={"ETag": quoted(record.etag), "Last-Modified": gmt(record.modified_ms)},
    )


def _lists(header: str, etag: str) -> bool:
    return any(item.strip().strip('"') in (etag, "*") for item in header.split(","))


def _seconds(header: str | None) -> int | None:
    """Return an HTTP date in seconds since the epoch, or None if the date is absent or invalid.

    The HTTP standard requires servers to ignore invalid dates.
    """
    if header is None:
        return None
    try:
        return int(parsedate_to_datetime(header).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
