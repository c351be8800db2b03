"""Part plans satisfy the limits of OSS, up to the largest object."""

import pytest

from ossferry_uploader.transfer.files import piece_at
from ossferry_uploader.transfer.plan import (
    DEFAULT_PART_BYTES,
    KIB,
    LARGEST_BY_SPEED,
    MAX_OBJECT_BYTES,
    MAX_PARTS,
    MIB,
    MIN_PART_BYTES,
    PartPlanError,
    part_count,
    part_size_for,
    units_for,
)
from support.fakes import FakeFile

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
def test_r39_parts_are_what_oss_accepts_and_add_up(size, rate):
    part_size = part_size_for(size, rate_bytes_per_s=rate)
    count = part_count(size, part_size)

    assert MIN_PART_BYTES <= part_size <= 5 * 1024 * MIB  # Source: OSS limits, 5 GB
    assert count <= MAX_PARTS
    if count:
        last = piece_at(FakeFile(size=size), count, part_size)
        assert last.offset + last.size == size
        assert 0 < last.size <= part_size
        assert piece_at(FakeFile(size=size), 1, part_size).offset == 0


@pytest.mark.parametrize("rate", [0.5, 1])
def test_the_slowest_line_gets_the_smallest_parts(rate):
    assert part_size_for(64 * MIB, rate_bytes_per_s=rate) == MIN_PART_BYTES


def largest_part(size, rate):
    """Return the size of a part of which the speed is known, unlike that of the first part."""
    part_size = part_size_for(size)
    missing = part_count(size, part_size)
    return part_size * units_for(size, part_size, rate_bytes_per_s=rate, missing=missing)


def test_without_a_speed_a_part_has_one_unit_or_a_mebibyte():
    assert units_for(10**9, MIB, rate_bytes_per_s=0, missing=900) == 1
    assert units_for(10**9, 8 * MIB, rate_bytes_per_s=0, missing=900) == 1
    assert units_for(10**9, 100 * KIB, rate_bytes_per_s=0, missing=9_000) == 10


@pytest.mark.parametrize(
    ("missing", "units"), [(900, 8), (48, 8), (47, 8), (42, 7), (13, 3), (7, 2), (6, 1), (1, 1)]
)
def test_the_last_parts_are_shared_by_all_connections(missing, units):
    assert units_for(100 * MIB, MIB, rate_bytes_per_s=MIB, missing=missing) == units


AT_ONCE = 6
MBIT = 125_000  # bytes per second
LARGE = [16 * MIB + 1, 64 * MIB, 100 * MIB, 512 * MIB, 2000 * MIB]


@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize("mbit", [1, 5, 20, 1000])
def test_a_break_on_a_line_that_nobody_knew_costs_a_minute_or_a_tenth_of_the_file(size, mbit):
    in_flight = AT_ONCE * part_size_for(size)

    lost_s = in_flight / (mbit * MBIT)

    assert lost_s <= 60 or in_flight <= size / 10


def test_parts_of_an_unknown_line_grow_with_the_file_to_the_usual_size():
    sizes = [part_size_for(size) for size in (17 * MIB, 100 * MIB, 512 * MIB, 20_000 * MIB)]

    assert sizes == [MIB, 1600 * KIB, DEFAULT_PART_BYTES, DEFAULT_PART_BYTES]


@pytest.mark.parametrize(("tenths", "units"), [(14, 1), (16, 2), (24, 2), (26, 3)])
def test_the_units_of_a_part_are_rounded(tenths, units):
    rate = tenths * MIB / 100  # `tenths` of a unit in ten seconds

    assert units_for(100 * MIB, MIB, rate_bytes_per_s=rate, missing=99) == units


@pytest.mark.parametrize("mbit", [2, 5, 20])
@pytest.mark.parametrize("size", [64 * MIB, 100 * MIB, 512 * MIB, 2000 * MIB])
def test_parts_of_a_line_that_is_known_take_about_ten_seconds(size, mbit):
    rate = mbit * MBIT / AT_ONCE

    part_s = part_size_for(size, rate_bytes_per_s=rate) / rate

    assert 8 <= part_s <= 15


@pytest.mark.parametrize(("mbit", "units"), [(1, 1), (5, 1), (10, 1), (20, 3), (100, 5)])
def test_a_part_of_a_first_upload_has_as_many_units_as_the_line_carries(mbit, units):
    unit = part_size_for(100 * MIB)

    assert largest_part(100 * MIB, mbit * MBIT / AT_ONCE) == units * unit


def test_what_may_be_lost_of_a_file_on_a_fast_line_is_a_tenth_up_to_a_limit():
    assert largest_part(1024 * MIB, 10**9) == 16 * MIB
    assert largest_part(10**10, 10**9) == LARGEST_BY_SPEED


def test_r39_a_file_too_large_for_oss_is_refused():
    with pytest.raises(PartPlanError, match="48800000000000"):
        part_size_for(MAX_OBJECT_BYTES + 1)


@pytest.mark.parametrize("size", [SIZES[-1], 64 * MIB + 1, 7])
def test_a_part_is_a_whole_number_of_bytes(size):
    part_size = part_size_for(size)

    assert isinstance(part_size, int)
    assert piece_at(FakeFile(size=size), 3, part_size).offset == 2 * part_size
