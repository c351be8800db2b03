"""How a file is cut into parts.

One part size for the whole upload, so that a part's number tells its place. It grows with the file,
to stay within 10,000 parts, and with the speed of the line, so that one part takes some seconds: of
a page that ends, the parts on their way are lost. A line that nobody has measured may be slow.
"""

__all__ = [
    "MAX_OBJECT_BYTES",
    "MAX_SINGLE_BYTES",
    "SMALL_BYTES",
    "Part",
    "PartPlanError",
    "part_at",
    "part_count",
    "part_size_for",
]

KIB = 1024
MIB = 1024 * KIB
MAX_PARTS = 10_000
SMALL_BYTES = 64 * KIB  # so little leaves at once: nobody watches how it goes
MIN_PART_BYTES = 100 * KIB
MAX_PART_BYTES = 5 * 1024 * MIB
MAX_OBJECT_BYTES = 48_800_000_000_000  # Source: OSS limits, 48.8 TB
DEFAULT_PART_BYTES = 8 * MIB
MAX_SINGLE_BYTES = 2 * DEFAULT_PART_BYTES  # larger files go in parts
LARGEST_BY_SPEED = 64 * MIB  # what may have to be sent again
AIM_S = 10.0
FIRST_PART_BYTES = MIB  # for an unknown line: `AIM_S` at 5 Mbit/s, of which six parts have a share
PARTS = 64  # at least, if they would be larger than that: six on their way are a tenth of the file


class PartPlanError(Exception):
    """No allowed part size can hold the file."""


class Part:
    """The bytes `[offset, offset + size)`, numbered from 1."""

    def __init__(self, number: int, offset: int, size: int) -> None:
        self.number = number
        self.offset = offset
        self.size = size


def part_size_for(size: int, *, rate_bytes_per_s: float = 0) -> int:
    """Return the part size for a file of `size` bytes.

    Args:
        rate_bytes_per_s: what one connection carries, if that is known.

    Returns:
        Whole KiB, between 100 KiB and 5 GiB.

    Raises:
        PartPlanError: the file is larger than OSS can hold.

    Source: OSS API reference, UploadPart and CompleteMultipartUpload.
    """
    if size > MAX_OBJECT_BYTES:
        raise PartPlanError(f"{size} bytes; OSS holds up to {MAX_OBJECT_BYTES} in one object")
    share = size // PARTS
    if rate_bytes_per_s > 0:
        most = min(LARGEST_BY_SPEED, max(DEFAULT_PART_BYTES, share))
        wanted = min(most, max(MIN_PART_BYTES, int(rate_bytes_per_s * AIM_S)))
    else:
        wanted = min(DEFAULT_PART_BYTES, max(FIRST_PART_BYTES, share))
    needed = -(-size // MAX_PARTS)
    return -(-max(wanted, needed) // KIB) * KIB


def part_count(size: int, part_size: int) -> int:
    """Return how many parts a file has; an empty one has none."""
    return -(-size // part_size)


def part_at(number: int, size: int, part_size: int) -> Part:
    """Return the part with this number of a file of `size` bytes."""
    offset = (number - 1) * part_size
    return Part(number, offset, min(part_size, size - offset))
