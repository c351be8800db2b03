"""Key prefixes: unique per principal, in characters without a special meaning in policies."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossferry.errors import PrefixError
from ossferry.identity.owner import principal_hash, principal_prefix
from ossferry.identity.principal import Principal

SECRET = b"s" * 32
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def prefix(id_: str, secret: bytes = SECRET) -> str:
    return principal_prefix(Principal(id=id_, name="x"), secret=secret)


def test_prefix_shows_who_and_hides_how() -> None:
    assert prefix("alice").startswith("uploads/alice-")
    assert prefix("alice") == prefix("alice")
    assert prefix("alice") != prefix("alice", b"t" * 32)


def test_t07_t09_any_id_gives_a_prefix_in_the_narrow_alphabet() -> None:
    @given(texts)
    def check(id_: str) -> None:
        folder, slug, rest = prefix(id_).split("/")
        assert (folder, rest) == ("uploads", "")
        assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert len(slug.rpartition("-")[2]) == 26

    check()


def test_t13_a_long_id_gives_a_prefix_of_limited_length() -> None:
    slug, _, tail = prefix("a" * 200).removeprefix("uploads/").rstrip("/").partition("-")

    assert (slug, len(tail)) == ("a" * 24, 26)
    assert prefix("a" * 200) != prefix("a" * 199)


def test_t12_two_ids_never_share_a_prefix_nor_hold_each_others() -> None:
    @given(texts, texts)
    def check(one: str, other: str) -> None:
        assert (one == other) is (prefix(one) == prefix(other))
        assert one == other or not prefix(one).startswith(prefix(other))

    check()


@pytest.mark.parametrize("id_", ["", "\ud800", "a\udfff", "\udc00b"], ids=ascii)
def test_an_id_that_is_no_text_has_no_prefix(id_: str) -> None:
    with pytest.raises(PrefixError):
        prefix(id_)


def test_the_hash_in_logs_is_not_the_one_in_the_prefix() -> None:
    hashed = principal_hash(Principal(id="alice", name="Alice"), secret=SECRET)

    tail = prefix("alice").rpartition("-")[2].rstrip("/").upper()
    in_prefix = base64.b32decode(tail + "=" * (-len(tail) % 8)).hex()
    assert len(hashed) == 16
    assert hashed not in in_prefix
