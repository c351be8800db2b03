"""The Range header: parses the requested byte range of an object."""

import re
from collections.abc import Mapping

from mock_oss.errors import RefusedError

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def parse_range(headers: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """Return the range that the Range header requests, as (offset, length) in bytes.

    The result is None, which means the whole object, if the header is missing or malformed, or if
    the range exceeds the object. With the header `x-oss-range-behavior: standard`, a range that
    exceeds the object is shortened instead.

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
