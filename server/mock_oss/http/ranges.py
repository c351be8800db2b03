"""The Range header: parses the requested byte range of an object."""

import re
from collections.abc import Mapping

from mock_oss.errors import RefusedError

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def parse_range(headers: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """Return (offset, length) of the requested range in bytes, or None for the whole object.

    A malformed range is ignored. A range beyond the end of the object is also ignored, unless the
    request has the header `x-oss-range-behavior: standard`. With this header, the range is
    shortened.

    Args:
        headers: the request headers.
        size: the length of the object in bytes.

    Raises:
        RefusedError: InvalidRange if the object contains no byte of the range, and the request has
            the header `x-oss-range-behavior: standard`.
    """
    text = headers.get("range")
    if text is None:
        return None
    standard = headers.get("x-oss-range-behavior") == "standard"
    match = _RANGE.fullmatch(text)
    if match is None or match[0] == "bytes=-":
        return None
    if match[1]:
        first, last = int(match[1]), int(match[2]) if match[2] else size - 1
        if match[2] and last < first:
            return None
    else:  # the last bytes of the object
        first, last = size - int(match[2]), size - 1
    if first >= size or not size:
        if not standard:
            return None
        raise RefusedError(
            "InvalidRange",
            headers={"Content-Range": f"bytes */{size}"},
            ActualObjectSize=size,
            RangeRequested=text,
        )
    if not standard and (first < 0 or last >= size):
        return None
    first, last = max(first, 0), min(last, size - 1)
    return first, last - first + 1
