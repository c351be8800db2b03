"""The words of the pages below `/form` in the languages of the upload page, from `locales/`."""

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
"""By language and key; ``{}`` stands for what is told."""
