"""Keys that clients send: below the own prefix, and as the page makes them."""

import pytest

from ossferry.errors import BadRequestError, ForeignKeyError
from ossferry.identity.object_keys import check_own_key, path_of

PREFIX = "uploads/alice-x7/"


@pytest.mark.parametrize(
    "rest",
    ["a", "2026-03-14/r/a.txt", "\u00e9 \u6f22", "..a", "a..b/c", "b" * (1023 - len(PREFIX))],
)
def test_a_key_below_the_own_prefix_is_returned_as_it_is(rest: str) -> None:
    assert check_own_key(PREFIX + rest, PREFIX) == PREFIX + rest


@pytest.mark.parametrize(
    "key",
    [PREFIX, PREFIX[:-1], "", "uploads/bob-y8/a", "uploads/alice-x7a/a", f"/{PREFIX}a", "trash/a"],
)
def test_t54_a_key_of_anybody_else_is_refused(key: str) -> None:
    with pytest.raises(ForeignKeyError):
        check_own_key(key, PREFIX)


@pytest.mark.parametrize(
    "rest",
    [
        "../bob-y8/a",
        "./a",
        "a/..",
        "a//b",
        "a/",
        "/a",
        "a\\b",
        "a\nb",
        "a\x1fb",
        "a\x7fb",
        "a\ud800",
        "b" * (1024 - len(PREFIX)),
        "\u00e9" * 512,
    ],
    ids=ascii,
)
def test_t10_a_key_that_no_upload_can_have_is_refused(rest: str) -> None:
    with pytest.raises(BadRequestError):
        check_own_key(PREFIX + rest, PREFIX)


RANDOM = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("rest", "path"),
    [
        (f"2026-03-14/{RANDOM}/trip/a.png", "trip/a.png"),
        (f"orders/7/2026-03-14/{RANDOM}/trip/a.png", "orders/7/trip/a.png"),
        (f"2026-03-14/{RANDOM}/2026-03-14/{RANDOM}/a.png", f"2026-03-14/{RANDOM}/a.png"),
        ("orders/7/a.png", "orders/7/a.png"),
    ],
    ids=["no folder", "a folder", "folders like a day and random digits", "a named key"],
)
def test_the_path_of_a_key_is_its_folders_and_its_name(rest: str, path: str) -> None:
    assert path_of(PREFIX + rest, PREFIX) == path
