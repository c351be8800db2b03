"""Object keys and their encoding: the signed path equals the sent path, and keys stay in the
prefix.

Threats T10 and T11. These are the page's own functions, run in CPython and compared with `urllib`.
"""

import random
from urllib.parse import unquote

from attacks.arbitrary_ids import arbitrary_ids
from ossferry_uploader.oss.encoding import percent_encode
from ossferry_uploader.oss.keys import MAX_KEY_BYTES, object_key
from support.random_examples import some_and_many

PREFIX = "uploads/alice-x/"
PIECES = (
    "%", "%25", "%2e", "%252e", "..", ".", "/", "\\", "%2f", "%00", "%zz", "\u00e9", "\U0001f680",
)  # fmt: skip
DOTS = {".", "..", "%2e", "%2e%2e", ".%2e", "%2e."}
"""Path segments that a browser removes from a URL before sending the request."""

SOME_OR_MANY = some_and_many(5_000, 1_000_000, name="count")


def texts(count: int) -> list[str]:
    chance = random.Random(count)
    pasted = ["".join(chance.choices(PIECES, k=chance.randint(1, 8))) for _ in range(count // 2)]
    return [*pasted, *arbitrary_ids(count // 2, seed=count)]


@SOME_OR_MANY
def test_t11_what_is_encoded_once_is_decoded_once(count: int) -> None:
    for text in texts(count):
        encoded = percent_encode(text, safe="/")

        assert unquote(encoded, errors="strict") == text
        assert unquote(percent_encode(encoded), errors="strict") == encoded


@SOME_OR_MANY
def test_t10_a_key_stays_below_its_prefix_on_its_way_through_an_address(count: int) -> None:
    for text in texts(count):
        key = object_key(PREFIX, text, at_s=0.0, random_hex="0" * 32, path=text[::-1][:40])
        address = percent_encode(key, safe="/")

        assert key.startswith(PREFIX)
        assert len(key.encode()) <= MAX_KEY_BYTES
        assert not DOTS.intersection(segment.lower() for segment in address.split("/"))
        assert "\\" not in address
        assert "//" not in address
        assert "%2F" not in address
