"""Long file names are shortened in the middle, at a suitable position."""

import pytest

from upload_page.view.words.file_names import badge, split_name


@pytest.mark.parametrize(
    ("name", "tail"),
    [
        ("short.txt", ""),
        ("harbour-at-dawn-2026-11-final-cut.mov", "inal-cut.mov"),
        ("漢" * 40 + ".txt", "漢" * 8 + ".txt"),
        ("تقرير عن حركة السفن في الميناء.xlsx", ""),
        ("a" * 30 + "e\u0301" + "b" * 7 + ".txt", "e\u0301" + "b" * 7 + ".txt"),
        (
            "a" * 30 + "👩\u200d👩\u200d👧" + "b" * 6 + ".txt",
            "👩\u200d👩\u200d👧" + "b" * 6 + ".txt",
        ),
    ],
)
def test_a_long_name_keeps_its_ending(name, tail):
    assert split_name(name) == (name[: len(name) - len(tail)], tail)


@pytest.mark.parametrize(
    ("name", "letters"), [("a.mov", "MOV"), ("a.jpeg", "JPEG"), ("README", "···"), ("a.", "···")]
)
def test_the_ending_is_the_badge(name, letters):
    assert badge(name) == letters
