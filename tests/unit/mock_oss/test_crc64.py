"""CRC-64 and the combination of checksums."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import pytest

from mock_oss.http import crc64
from mock_oss.operations.multipart import multipart_etag
from support.vectors import load

RULES: dict[str, Callable[[int], bytes]] = {
    "16 zero bytes": lambda n: bytes(n),
    "256 bytes 0xFF": lambda n: b"\xff" * n,
    "bytes 0..255": lambda n: bytes(range(n)),
    "byte i = i mod 251, length 102400": lambda n: bytes(i % 251 for i in range(n)),
    "byte i = (7*i+3) mod 256, length 1048576": lambda n: bytes(
        (7 * i + 3) % 256 for i in range(n)
    ),
}


@pytest.mark.parametrize("vector", load("crc64")["crc"], ids=lambda v: v["name"])
def test_checksums_are_those_of_the_sdks(vector: dict[str, Any]) -> None:
    if vector["data_hex"] is not None:
        data = bytes.fromhex(vector["data_hex"])
    else:
        data = RULES[vector["rule"]](vector["length"])

    half = len(data) // 2
    assert len(data) == vector["length"]
    assert str(crc64.update(data)) == vector["crc64_decimal"]
    assert crc64.update(data[half:], crc64.update(data[:half])) == crc64.update(data)


@pytest.mark.parametrize("vector", load("crc64")["combine"], ids=lambda v: v["name"])
def test_part_checksums_combine_to_that_of_the_whole(vector: dict[str, Any]) -> None:
    whole = reduce(
        lambda crc, part: crc64.combine(crc, int(part["crc64_decimal"]), part["length"]),
        vector["parts"],
        0,
    )

    assert str(whole) == vector["whole_crc64_decimal"]


@pytest.mark.parametrize("vector", load("multipart_etag")["vectors"], ids=lambda v: v["id"])
def test_the_etag_of_a_multipart_object_is_that_of_recorded_traffic(vector: dict[str, Any]) -> None:
    assert multipart_etag(vector["part_etags"]) == vector["etag"]
