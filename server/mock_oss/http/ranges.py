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
    if not match[1]:
        return _suffix(int(match[2]), size, standard=standard)
    first = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < first:
        return None
    if first >= size:
        if standard:
            raise _invalid(text, size)
        return None
    if last >= size:
        if not standard:
            return None
        last = size - 1
    return first, last - first + 1


def _suffix(length: int, size: int, *, standard: bool) -> tuple[int, int] | None:
    if not length or not size:
        if standard:
            raise _invalid(f"bytes=-{length}", size)
        return None
    if length > size:
        return (0, size) if standard else None
    return size - length, length


def _invalid(text: str, size: int) -> RefusedError:
    return RefusedError(
        "InvalidRange",
        headers={"Content-Range": f"bytes */{size}"},
        ActualObjectSize=size,
        RangeRequested=text,
    )
