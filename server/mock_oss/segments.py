"""Segments: slices of stored blobs; the data of an object or response is a sequence of segments.

A blob is a byte string that the store keeps as a file or as a database row.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Segment(NamedTuple):
    """A slice of a stored blob: the bytes `[offset, offset + size)` of the blob named `blob`."""

    blob: str
    offset: int
    size: int


def clip(segments: Iterable[Segment], offset: int, size: int) -> list[Segment]:
    """Return segments that contain exactly the bytes `[offset, offset + size)` of some data.

    The first and the last segment are shortened if necessary.

    Args:
        segments: the segments of the whole data, in order.
        offset: the offset of the range in the data.
        size: the size of the range in bytes.
    """
    clipped = []
    for segment in segments:
        if size <= 0:
            break
        if offset >= segment.size:
            offset -= segment.size
            continue
        taken = min(segment.size - offset, size)
        clipped.append(Segment(segment.blob, segment.offset + offset, taken))
        offset, size = 0, size - taken
    return clipped
