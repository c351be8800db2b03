"""Object keys: safe, unique, readable, limited in length."""

import pytest

from ossferry_uploader.oss.keys import MAX_KEY_BYTES, named_key, object_key, safe_name, safe_path

RANDOM = "0123456789abcdef0123456789abcdef"
NOON = 1773480413.0  # 2026-03-14T09:26:53Z


@pytest.mark.parametrize(
    "name",
    ["a b.txt", "a+b#c%d&e?f'g\".txt", "写真.zip", "🌻.png", "cafe\u0301.txt", "a.tar.gz"],
    ids=["space", "reserved", "cjk", "emoji", "decomposed", "two dots"],
)
def test_names_that_do_no_harm_stay_as_they_are(name):
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../etc/passwd", "__" + "_etc_passwd"),
        ("..", "__"),
        (".hidden", "_hidden"),
        ("a\\b", "a_b"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("a\x00b\nc\x7fd\x85e", "a_b_c_d_e"),
        ("", "_"),
        ("   ", "_"),
    ],
    ids=["parent", "dots", "hidden", "backslash", "right-to-left", "controls", "empty", "blank"],
)
def test_r43_names_that_could_mislead_are_defused(name, safe):
    assert safe_name(name) == safe


CONTROLS = list(range(0x20)) + list(range(0x7F, 0xA0))
DIRECTIONS = [0x61C, 0x200E, 0x200F, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E]
ISOLATES = list(range(0x2066, 0x206A))
INVISIBLE = [0x2028, 0x2029, 0xFEFF]


@pytest.mark.parametrize("code", CONTROLS + DIRECTIONS + ISOLATES + INVISIBLE)
def test_every_control_character_is_replaced(code):
    assert safe_name("a" + chr(code) + "b") == "a_b"


@pytest.mark.parametrize("code", [0x20, 0x7E, 0xA0, 0x200D, 0x202F, 0x206A, 0xFEFE])
def test_the_neighbours_of_control_characters_stay(code):
    assert safe_name("a" + chr(code) + "b") == "a" + chr(code) + "b"


def test_key_has_prefix_day_random_and_name():
    key = object_key("uploads/alice-1/", "a b.txt", at_s=NOON, random_hex=RANDOM)

    assert key == f"uploads/alice-1/2026-03-14/{RANDOM}/a b.txt"


def test_key_keeps_the_folders_of_a_chosen_folder():
    key = object_key("u/", "c.txt", at_s=NOON, random_hex=RANDOM, path="a/../b")

    assert key == f"u/2026-03-14/{RANDOM}/a/__/b/c.txt"


def test_key_is_never_longer_than_oss_allows():
    key = object_key("u/", "n" * 300, at_s=NOON, random_hex=RANDOM, path="/".join(["d" * 200] * 4))

    assert len(key.encode()) <= MAX_KEY_BYTES


def test_of_many_folders_each_is_safe_whatever_came_before():
    for number in range(300):
        assert safe_path(f"..//a b/{number % 150}\x00") == f"__/a b/{number % 150}_/"
    assert safe_path("") == ""


LONG = {
    "fits": ("a" * 251 + ".txt", "a" * 251 + ".txt"),
    "one more": ("a" * 252 + ".txt", "a" * 251 + ".txt"),
    "many dots": ("a." * 130 + "txt", "a." * 125 + "a" + ".txt"),
    "ending of 16": ("a" * 300 + "." + "b" * 16, "a" * 238 + "." + "b" * 16),
    "ending of 17": ("a" * 250 + "." + "b" * 17, "a" * 250 + "." + "b" * 4),
    "no ending": ("a" * 300, "a" * 255),
    "3 bytes": ("漢" * 90, "漢" * 85),
    "4 bytes": ("aaaa" + "🌻" * 63 + ".ab", "aaaa" + "🌻" * 62 + ".ab"),
}


@pytest.mark.parametrize(("name", "cut"), LONG.values(), ids=list(LONG))
def test_a_name_is_cut_to_255_bytes_and_keeps_an_ending_of_at_most_16(name, cut):
    assert safe_name(name) == cut


def test_folders_leave_at_least_32_bytes_for_the_name():
    path = "/".join(["f" * 98] * 9 + ["f" * 89])  # 981 bytes with the last slash

    key = named_key("u", "n" * 40, path=path)

    assert len(key) == MAX_KEY_BYTES
    assert key == "u" + path + "/" + "n" * 32
    with pytest.raises(ValueError, match="too long for an object key"):
        named_key("up", "n" * 40, path=path)


def test_a_key_without_folders_is_prefix_and_name():
    assert named_key("u/", "a.txt") == "u/a.txt"
