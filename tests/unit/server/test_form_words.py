"""The form's pages have the same texts in every language, and no unused texts."""

import re
from pathlib import Path

import pytest

from build import LANGUAGES
from ossferry.forms.words import WORDS

HTML = (Path(__file__).parents[3] / "server/ossferry/forms/html.py").read_text("utf-8")
MADE = {f"less_{each}" for each in ("one", "progress", "check")} | {
    f"{what}{end}" for what in ("nothing", "removed", "unchecked") for end in ("", "_words")
}
"""Keys whose names are built in the code."""


def test_no_language_is_left_out() -> None:
    assert list(WORDS) == list(LANGUAGES)
    assert {code: words["language"] for code, words in WORDS.items()} == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_same_keys_and_holes(language: str) -> None:
    for key, sentence in WORDS["en"].items():
        assert WORDS[language][key].strip(), key
        assert WORDS[language][key].count("{}") == sentence.count("{}"), key
    assert list(WORDS[language]) == list(WORDS["en"])


def test_every_key_is_used() -> None:
    named = set(re.findall(r"""["']([a-z0-9_]+)["']""", HTML)) | MADE

    assert [key for key in WORDS["en"] if key not in named] == []
