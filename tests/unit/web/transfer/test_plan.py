"""The part plan keeps to what OSS accepts, up to the largest object."""

import pytest

from uploader.transfer.plan import (
    KIB,
    LARGEST_BY_SPEED,
    MAX_OBJECT_BYTES,
    MAX_PART_BYTES,
    MAX_PARTS,
    MIB,
    MIN_PART_BYTES,
    PartPlanError,
    part_at,
    part_count,
    part_size_for,
)

SIZES = [
    0,
    1,
    100 * KIB - 1,
    100 * KIB,
    8 * MIB - 1,
    8 * MIB,
    8 * MIB + 1,
    80_000 * MIB,
    80_000 * MIB + 1,
    60 * 1024**3,
    5 * 1024**4,
    MAX_OBJECT_BYTES,
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rate", [0, 1, 50_000, 10**6, 10**9])
def test_parts_are_what_oss_accepts_and_add_up(size, rate):
    part_size = part_size_for(size, rate_bytes_per_s=rate)
    count = part_count(size, part_size)

    assert MIN_PART_BYTES <= part_size <= MAX_PART_BYTES
    assert count <= MAX_PARTS
    if count:
        last = part_at(count, size, part_size)
        assert last.offset + last.size == size
        assert 0 < last.size <= part_size
        assert part_at(1, size, part_size).offset == 0


def test_parts_aim_at_ten_seconds():
    assert part_size_for(10**9, rate_bytes_per_s=10**6) == -(-(10**7) // KIB) * KIB


def test_a_fast_line_does_not_make_parts_that_are_dear_to_lose():
    assert part_size_for(10**10, rate_bytes_per_s=10**9) == LARGEST_BY_SPEED


def test_a_file_too_large_for_oss_is_refused():
    with pytest.raises(PartPlanError, match="48800000000000"):
        part_size_for(MAX_OBJECT_BYTES + 1)
