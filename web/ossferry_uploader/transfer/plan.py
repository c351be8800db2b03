"""Decide how a file is divided into parts for a multipart upload.

A file is divided into units of the same size; only the last unit may be smaller. A part consists of
one or more units, and the number of a part is the number of its first unit. So the part number
determines the offset. OSS allows gaps between part numbers.

The unit size grows with the file, because OSS allows at most 10,000 parts. It also grows with the
measured speed, so that sending one part takes only some seconds: if the page is closed, the parts
in flight are lost. If no speed is measured when the upload begins, the connection is assumed to be
slow; as soon as a speed is measured, the parts get more units.
"""

KIB = 1024
MIB = 1024 * KIB
MAX_PARTS = 10_000
FORM_BYTES = 256 * KIB  # a form up to this size is sent without progress events, see `forms`
MAX_FORM_BYTES = MIB  # the same, if the measured speed sends it in `FORM_S`
FORM_S = 2.0
SMALL_BYTES = 64 * KIB  # a body up to this size is sent without progress events
MIN_PART_BYTES = 100 * KIB
MAX_PART_BYTES = 5 * 1024 * MIB
MAX_FILES = 10_000  # unfinished files at a time, until a grant gives another limit
MAX_OBJECT_BYTES = 48_800_000_000_000  # Source: OSS limits, 48.8 TB
DEFAULT_PART_BYTES = 8 * MIB
MAX_SINGLE_BYTES = 2 * DEFAULT_PART_BYTES  # larger files are sent in parts
LARGEST_BY_SPEED = 64 * MIB  # limits the bytes that a failure may have sent in vain
AIM_S = 10.0  # the wanted duration of one part
FIRST_PART_BYTES = MIB  # without a measured speed: takes `AIM_S` if six parts share 5 Mbit/s
CONNECTIONS = 6  # that a browser opens to one host
PARTS = 64  # the fewest parts of a large file: six in flight are a tenth of the file


class PartPlanError(Exception):
    """Raised if the file is larger than the largest object that OSS allows."""


def part_size_for(size: int, *, rate_bytes_per_s: float = 0) -> int:
    """Return the unit size for a file of `size` bytes; each part has one or more units.

    Args:
        rate_bytes_per_s: the measured speed of one connection; 0 if unknown.

    Returns:
        The unit size in bytes: a multiple of 1 KiB, between 100 KiB and 5 GiB.

    Raises:
        PartPlanError: the file is larger than the largest object that OSS allows.

    Source: OSS API reference, UploadPart and CompleteMultipartUpload.
    """
    if size > MAX_OBJECT_BYTES:
        raise PartPlanError(f"{size} bytes; OSS holds up to {MAX_OBJECT_BYTES} in one object")
    if rate_bytes_per_s > 0:
        wanted = _wanted(size, rate_bytes_per_s)
    else:
        wanted = min(DEFAULT_PART_BYTES, max(FIRST_PART_BYTES, size // PARTS))
    needed = -(-size // MAX_PARTS)
    return -(-max(wanted, needed) // KIB) * KIB


def form_bytes_for(rate_bytes_per_s: float) -> int:
    """Return the size in bytes of the largest file that is sent as a form (PostObject).

    Args:
        rate_bytes_per_s: the measured speed of one connection; 0 if unknown.
    """
    return max(FORM_BYTES, min(MAX_FORM_BYTES, int(rate_bytes_per_s * FORM_S)))


def units_for(size: int, part_size: int, *, rate_bytes_per_s: float, missing: int) -> int:
    """Return the number of units in the next part of a file.

    One connection needs about `AIM_S` seconds to send the part, as far as the speed is known and
    limits allow this. The last parts get fewer units, so that all connections finish at about the
    same time.

    Args:
        size: the size of the file in bytes.
        part_size: the size of a unit in bytes.
        rate_bytes_per_s: the measured speed of one connection; 0 if unknown.
        missing: the number of units that are not in any part yet, at least 1.
    """
    known = rate_bytes_per_s > 0
    wanted = _wanted(size, rate_bytes_per_s) if known else FIRST_PART_BYTES
    return max(1, min((wanted + part_size // 2) // part_size, -(-missing // CONNECTIONS)))


def _wanted(size: int, rate_bytes_per_s: float) -> int:
    """Return the bytes that one connection sends in `AIM_S` seconds, within the limits."""
    most = min(LARGEST_BY_SPEED, max(DEFAULT_PART_BYTES, size // PARTS))
    return min(most, max(MIN_PART_BYTES, int(rate_bytes_per_s * AIM_S)))


def part_count(size: int, part_size: int) -> int:
    """Return the number of units of a file: `size` divided by the unit size, rounded up.

    The last unit may be smaller. The result is 0 if `size` is 0.

    Args:
        size: the size of the file in bytes.
        part_size: the size of a unit in bytes.
    """
    return -(-size // part_size)
