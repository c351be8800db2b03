"""Reads answers of OSS through `oss2`: whether they are its own, moments, and lists of many pages.

The lists block, as all of `oss2` does, so they are read in a worker thread; none without end.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import oss2

from ossferry.oss.objects import Begun, Part

__all__ = ["moment", "ours", "read_begun", "read_parts"]

MAX_PAGES = 10
"""Of 1,000 each: no upload has more parts, and nobody whom these lists help more uploads."""

R = TypeVar("R", bound=oss2.models.RequestResult)


def ours(result: R) -> R:
    """Return an answer if it is one of OSS, which names each of its own."""
    if not result.request_id:
        raise ValueError("not an answer of OSS")
    return result


def moment(timestamp: float) -> datetime:
    """Return a time as `oss2` has it, in seconds since 1970."""
    return datetime.fromtimestamp(timestamp, UTC)


def read_begun(bucket: oss2.Bucket, prefix: str) -> Sequence[Begun]:
    """Return the uploads below a prefix, in the order of their keys."""
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
    """Return the parts of an upload."""
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
