"""Display names: without characters that change how text is displayed, and limited in length."""

import pytest

from ossferry.identity.principal import display_name, is_plain_id


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Carol", "Carol"),
        ("e\u0301", "\u00e9"),
        ("\u202eecilA\u200b", "ecilA"),
        ("a\r\nb\x1b[31m\0", "ab[31m"),
        ("x" * 5000, "x" * 100),
        (" Carol\u00a0", "Carol"),
        (" \u200b\u3000", "carol-1"),
        ("\u200b\u202e", "carol-1"),
        ("", "carol-1"),
        (None, "carol-1"),
        (["Carol"], "carol-1"),
    ],
    ids=ascii,
)
def test_t12_a_name_is_shown_as_it_is_read(given: object, shown: str) -> None:
    assert display_name(given, otherwise="carol-1") == shown


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("carol-1", True),
        ("Carol Danvers", True),
        ("carol@example.com", True),
        ("", False),
        (" ", False),
        ("carol ", False),
        (" carol", False),
        ("car\u200bol", False),
        ("e\u0301ve", False),
        ("x" * 257, False),
    ],
    ids=ascii,
)
def test_t12_an_id_has_one_form(text: str, plain: bool) -> None:
    assert is_plain_id(text) is plain
