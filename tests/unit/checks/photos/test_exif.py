"""EXIF metadata: what is read of it, also if it is broken."""

import struct

import pytest

from ossferry_checks.photos.exif import HEADER, Exif, only_orientation, read_exif
from support.photos import exif


def test_orientation_and_position_are_read() -> None:
    assert read_exif(exif(6).tobytes()) == Exif(6, has_position=True)
    assert read_exif(exif(position=False).tobytes()) == Exif(1, has_position=False)


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read(order: str) -> None:
    magic = {"<": b"II*\0", ">": b"MM\0*"}[order]
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, 8, 0)

    assert read_exif(magic + struct.pack(f"{order}IH", 8, 1) + entry) == Exif(8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_new_metadata_has_the_orientation_only(orientation: int) -> None:
    new = only_orientation(orientation)

    assert read_exif(new) == read_exif(HEADER + new) == Exif(orientation)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    assert read_exif(only_orientation(orientation)) == Exif(1)


def test_broken_metadata_is_ignored() -> None:
    content = only_orientation(6)

    assert [read_exif(content[:size]) for size in range(18)] == [Exif()] * 18
    assert read_exif(b"II*\0" + b"\xff" * 8) == Exif()
