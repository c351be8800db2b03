"""EXIF metadata: what is read of it, also if it is broken."""

import struct

import pytest

from ossferry_checks.photos.exif import Exif, only_orientation, read_exif


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read(order: str) -> None:
    magic = {"<": b"II*\0", ">": b"MM\0*"}[order]
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, 8, 0)

    assert read_exif(magic + struct.pack(f"{order}IH", 8, 1) + entry) == Exif(8)


def test_broken_metadata_is_ignored() -> None:
    content = only_orientation(6)

    assert [read_exif(content[:size]) for size in range(18)] == [Exif()] * 18
    assert read_exif(b"II*\0" + b"\xff" * 8) == Exif()
