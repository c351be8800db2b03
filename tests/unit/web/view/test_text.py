"""Sizes, times and sentences as text."""

import pytest

from support.english import PlainFormats, speak_english
from upload_page.view.words.text import (
    count_files,
    gap,
    say,
    say_count,
    size_text,
    time_left,
    types_text,
    use,
)

speak_english()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_100_000, "1.1 MB"),
        (99_940_000, "99.9 MB"),
        (412_000_000, "412 MB"),
        (999_600_000, "1.0 GB"),
        (5 * 1024**3, "5.4 GB"),
        (48_800_000_000_000, "48.8 TB"),
    ],
)
def test_sizes(size, text):
    assert size_text(size) == text.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "about 5 s left"),
        (28, "about 30 s left"),
        (70, "about 1 min left"),
        (3500, "about 58 min left"),
        (7300, "about 2 h left"),
    ],
)
def test_time_left(seconds, text):
    assert time_left(seconds) == text


def test_types_are_named_as_people_know_them():
    types = ["image/*", "application/pdf", "application/vnd.ms-excel", ".csv", "model/*"]
    types += ["video/mp4", "video/quicktime"]
    types += ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"]

    assert types_text(types) == (
        "images, PDF, application/vnd.ms-excel, .csv, model/*, MP4, MOV, XLSX"
    )


def test_one_file_is_not_many():
    assert (count_files(1), count_files(2)) == ("1 file", "2 files")


def test_a_plural_form_that_a_sentence_lacks_is_the_general_one():
    use("en", {"lines": {"other": "{count} lines"}}, PlainFormats())
    try:
        assert say_count("lines", 1) == "1 lines"
    finally:
        speak_english()


def test_sentences_of_chinese_and_japanese_follow_each_other_without_a_space():
    gaps = []
    for code in ("en", "ar", "ja", "zh-CN", "zh-TW"):
        use(code, {}, PlainFormats())
        gaps.append(gap())
    speak_english()

    assert gaps == [" ", " ", "", "", ""]


def test_values_are_text_and_nothing_else():
    name = "{0.__class__}{prefix}<img onerror=x>"

    assert say("progress", name=name) == f"Progress of {name}"


def test_a_missing_value_is_an_error():
    with pytest.raises(KeyError):
        say("progress")


def test_values_keep_their_own_direction_in_a_language_from_the_right():
    use("ar", {"of": "{sent} / {size}"}, PlainFormats())
    try:
        assert say("of", sent="1 MB", size="2 MB") == "\u20681 MB\u2069 / \u20682 MB\u2069"
    finally:
        speak_english()
