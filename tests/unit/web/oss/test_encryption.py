"""Keys, counters and headers of client-side encryption are those of the official SDK."""

import pytest

from ossferry_uploader.oss.encryption import (
    Cipher,
    PublicKey,
    counter_at,
    encryption_headers,
    is_encrypted,
    start_of,
)
from support.vectors import load

VECTORS = load("client_side_encryption")
MODULUS, EXPONENT = VECTORS["public_key"]["modulus"], VECTORS["public_key"]["exponent"]
HEADER = "x-oss-meta-client-side-encryption-"


def cipher(description=""):
    return Cipher(
        bytes(32),
        bytes(16),
        wrapped_key=b"\xff\xfe",
        wrapped_start=b"\x01",
        description=description,
    )


@pytest.mark.parametrize("vector", VECTORS["wrap"], ids=[each["name"] for each in VECTORS["wrap"]])
def test_a_key_is_wrapped_as_the_sdk_wraps_it(vector):
    key = PublicKey(MODULUS, EXPONENT)
    message, padding = bytes.fromhex(vector["message"]), bytes.fromhex(vector["padding"])

    assert key.padding_bytes(message) == len(padding)
    assert key.wrap(message, padding).hex() == vector["wrapped"]


@pytest.mark.parametrize(
    ("message", "padding"),
    [
        (bytes(32), b"\x01" * 220),
        (bytes(32), b"\x01" * 222),
        (bytes(32), b"\x01" * 220 + b"\x00"),
        (bytes(246), b"\x01" * 7),
    ],
    ids=["too little padding", "too much padding", "a zero in the padding", "a long message"],
)
def test_a_malformed_block_is_not_wrapped(message, padding):
    with pytest.raises(ValueError, match="the"):
        PublicKey(MODULUS, EXPONENT).wrap(message, padding)


def test_a_wrapped_key_is_as_long_as_the_modulus():
    key = PublicKey("ff" * 255 + "01", 1)  # the number under an exponent of 1 begins with zeros

    assert key.wrap(bytes(32), b"\x01" * 221) == b"\x00\x02" + b"\x01" * 221 + bytes(33)


@pytest.mark.parametrize("vector", VECTORS["counters"])
def test_the_counter_of_a_part_is_that_of_the_sdk(vector):
    counter = counter_at(bytes.fromhex(vector["start"]), vector["offset"])

    assert counter.hex() == vector["counter"]


def test_a_counter_goes_on_at_zero():
    assert counter_at(b"\xff" * 16, 16) == bytes(16)


@pytest.mark.parametrize("offset", [1, 15, 17])
def test_a_part_begins_with_a_block(offset):
    with pytest.raises(ValueError, match="multiple of 16"):
        counter_at(bytes(16), offset)


def test_the_lower_half_of_a_start_has_room():
    assert start_of(b"\xff" * 16).hex() == "ffffffffffffffff00000000ffffffff"


def test_headers_of_a_file_in_one_request():
    assert encryption_headers(cipher(), size=0) == [
        (HEADER + "key", "//4="),
        (HEADER + "start", "AQ=="),
        (HEADER + "cek-alg", "AES/CTR/NoPadding"),
        (HEADER + "wrap-alg", "RSA/NONE/PKCS1Padding"),
        (HEADER + "unencrypted-content-length", "0"),
    ]


def test_headers_of_a_file_in_parts():
    assert encryption_headers(cipher('{"key": "1"}'), size=7, part_size=102400)[4:] == [
        (HEADER + "matdesc", '{"key": "1"}'),
        (HEADER + "data-size", "7"),
        (HEADER + "part-size", "102400"),
    ]


def test_the_size_of_a_stream_is_unknown():
    assert len(encryption_headers(cipher(), size=None, part_size=1024)) == 4


def test_metadata_tells_that_an_object_is_encrypted():
    assert is_encrypted({"client-side-encryption-key": "//4=", "name": "a.txt"})
    assert not is_encrypted({"name": "a.txt"})
