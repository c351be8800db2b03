"""All languages have the same texts, and no text is unused."""

import json
import re
from pathlib import Path

import pytest

from build import LANGUAGES

WEB = Path(__file__).parents[2] / "web"
LOCALES = WEB / "uploader" / "locales"
ENGLISH = json.loads((LOCALES / "en.json").read_text("utf-8"))
SHORTEST = 3  # minimum letters in a pattern; a shorter one would match anything
HOLE = re.compile(r"\{\w*\}")


def used_patterns() -> list[str]:
    """Return the keys in the code as regular expressions; `f"{key}_next"` becomes `.+_next`."""
    sources = [*(WEB / "uploader").rglob("*.py"), WEB / "index.html"]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    literals = re.findall(r"""f?["']([a-z][a-z_]*|[a-z_]*\{[^"']*\}[a-z_]*)["']""", text)
    literals += re.findall(r"\{\{say (\w+)\}\}", text)
    patterns = [re.sub(r"\\{.*\\}", ".+", re.escape(each)) for each in set(literals)]
    return [each for each in patterns if len(re.sub(r"[^a-z]", "", each)) >= SHORTEST]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_same_keys_and_holes(language: str) -> None:
    sentences = json.loads((LOCALES / f"{language}.json").read_text("utf-8"))

    assert list(sentences) == list(ENGLISH)
    for key, sentence in sentences.items():
        assert sentence.strip(), key
        assert sorted(HOLE.findall(sentence)) == sorted(HOLE.findall(ENGLISH[key])), key


def test_no_language_is_left_out_of_the_build() -> None:
    assert {path.stem for path in LOCALES.glob("*.json")} == set(LANGUAGES)


def test_every_key_is_used() -> None:
    patterns = [re.compile(rf"{each}(_one|_other)?") for each in used_patterns()]
    exact = {each.pattern for each in patterns}

    unused = [key for key in ENGLISH if not any(each.fullmatch(key) for each in patterns)]

    assert exact
    assert unused == []


def test_every_key_that_is_said_exists() -> None:
    text = "\n".join(path.read_text("utf-8") for path in (WEB / "uploader").rglob("*.py"))
    said = set(re.findall(r"""\bsay\(\s*"([a-z_]+)\"""", text))
    counted = set(re.findall(r"""\bsay_count\(\s*"([a-z_]+)\"""", text))
    counted = {f"{key}_{form}" for key in counted for form in ("one", "other")}

    assert sorted((said | counted) - set(ENGLISH)) == []
