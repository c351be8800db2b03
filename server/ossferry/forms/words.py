"""Translated texts of the pages below `/form`, read from the folder `locales/`."""

import json
from collections.abc import Mapping
from importlib.resources import files

from ossferry.http.languages import LANGUAGES

__all__ = ["WORDS"]


def _words(language: str) -> Mapping[str, str]:
    text = (files("ossferry") / "locales" / f"form.{language}.json").read_text("utf-8")
    found: dict[str, str] = json.loads(text)
    return found


WORDS: Mapping[str, Mapping[str, str]] = {language: _words(language) for language in LANGUAGES}
"""Texts by language and key; ``{}`` is a placeholder."""
