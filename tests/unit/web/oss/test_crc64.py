"""Combined CRCs of parts equal the CRC of the whole, as the official SDKs compute it."""

import pytest

from ossferry_uploader.oss.crc64 import Shifter, combine, shift_of
from support.vectors import load

VECTORS = load("crc64")["combine"]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_parts_combine_to_the_whole(vector):
    crc = 0
    for part in vector["parts"]:
        crc = combine(crc, int(part["crc64_decimal"]), shift_of(part["length"]))
        assert str(crc) == part["running_crc64_decimal"]

    assert str(crc) == vector["whole_crc64_decimal"]


def test_shifts_add_up():
    crc = 11051210869376104954

    assert combine(combine(crc, 0, shift_of(700)), 0, shift_of(300)) == combine(
        crc, 0, shift_of(1000)
    )


def test_nothing_changes_nothing():
    assert combine(7, 0, shift_of(0)) == 7


@pytest.mark.parametrize("length", [0, 1, 102_400, 8 * 1024**2, 5 * 1024**3])
@pytest.mark.parametrize("first", [0, 1, 1 << 63, 2**64 - 1, 11051210869376104954])
def test_a_shifter_combines_as_well(length, first):
    assert Shifter(length).combine(first, 7) == combine(first, 7, shift_of(length))
