"""Parsing of answers from OSS: origin check, times, and lists with several pages.

The functions that read lists block, like all of `oss2`, so run them in a worker thread. At most 10
pages of a list are read.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import oss2

from ossferry.oss.objects import Begun, Part

__all__ = ["moment", "ours", "read_begun", "read_parts"]

MAX_PAGES = 10
"""Pages of 1,000 entries. An upload has at most 10,000 parts; further uploads are not listed."""

R = TypeVar("R", bound=oss2.models.RequestResult)


def ours(result: R) -> R:
    """Return an answer unchanged after checking that it comes from OSS.

    Every answer of OSS has a request id.

    Raises:
        ValueError: the answer has no request id.
    """
    if not result.request_id:
        raise ValueError("not an answer of OSS")
    return result


def moment(timestamp: float) -> datetime:
    """Convert a time of `oss2` (seconds since 1970) to a timezone-aware time in UTC."""
    return datetime.fromtimestamp(timestamp, UTC)


def read_begun(bucket: oss2.Bucket, prefix: str) -> Sequence[Begun]:
    """Return the unfinished multipart uploads below a prefix, sorted by key."""
    found: list[Begun] = []
    key_marker = id_marker = ""
    for _ in range(MAX_PAGES):
        page = bucket.list_multipart_uploads(
            prefix, key_marker=key_marker, upload_id_marker=id_marker
        )
        found += [
            Begun(key=each.key, upload_id=each.upload_id, began_at=moment(each.initiation_date))
            for each in ours(page).upload_list
        ]
        if not page.is_truncated:
            break
        key_marker, id_marker = page.next_key_marker, page.next_upload_id_marker
    return found


def read_parts(bucket: oss2.Bucket, key: str, upload_id: str) -> Sequence[Part]:
    """Return the stored parts of a multipart upload."""
    found: list[Part] = []
    marker = ""
    for _ in range(MAX_PAGES):
        page = bucket.list_parts(key, upload_id, marker=marker)
        found += [
            Part(number=each.part_number, size=each.size, last_modified=moment(each.last_modified))
            for each in ours(page).parts
        ]
        if not page.is_truncated:
            break
        marker = page.next_marker
    return found
