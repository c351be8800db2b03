"""Segments: slices of stored blobs, which the data of an object or a response consists of."""

from collections.abc import Iterable
from typing import NamedTuple


class Segment(NamedTuple):
    """A slice of a blob: the bytes `[offset, offset + size)` of `blob`."""

    blob: str
    offset: int
    size: int


def clip(segments: Iterable[Segment], offset: int, size: int) -> list[Segment]:
    """Cut out a byte range: return segments that contain only this range of the data.

    Args:
        segments: the segments of the data, in order.
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
