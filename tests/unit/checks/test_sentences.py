"""The sentences of the built-in checks. `tests/unit/test_locales.py` compares the languages."""

import re
from pathlib import Path

import pytest

import ossferry_checks
from ossferry_checks.sentences import LANGUAGES, say, sentences

PACKAGE = Path(ossferry_checks.__file__).parent
SOURCES = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))


def test_each_language_has_a_file() -> None:
    assert {path.stem for path in (PACKAGE / "sentences").glob("*.json")} == set(LANGUAGES)


def test_every_sentence_is_used() -> None:
    """`tests/unit/test_locales.py` looks for those of the panel in the page."""
    literals = re.findall(r'''f?"([a-z][a-z_]*|[a-z_]*\{[^"{}]*\}[a-z_]*)"''', SOURCES)
    patterns = [re.sub(r"\\{.*\\}", "[a-z0-9_]+", re.escape(each)) for each in set(literals)]

    assert [
        key
        for key in sentences("en")
        if not key.startswith("panel_")
        and not any(re.fullmatch(each, key) for each in patterns if len(each) > 3)
    ] == []


def test_every_sentence_that_is_said_exists() -> None:
    said = re.findall(r'\b(?:say|self\._say)\(\s*"([a-z0-9_]+)"', SOURCES)

    assert set(said) <= set(sentences("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_keys_are_in_alphabetical_order(language: str) -> None:
    assert list(sentences(language)) == sorted(sentences(language))


def test_a_sentence_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("no_such_sentence", "en")
