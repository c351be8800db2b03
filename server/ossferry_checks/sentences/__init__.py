"""Sentences of the built-in checks, in the languages of the page.

Each language has a file of JSON with a sentence by key. `{name}` stands for a value.
"""

import json
from functools import cache
from importlib.resources import files

__all__ = ["LANGUAGES", "say"]

LANGUAGES = ("en", "ja", "zh-CN", "zh-TW", "ar")
ISOLATES = ("\u2068", "\u2069")  # keep the order of `a.pdf` in a right-to-left sentence


def say(key: str, language: str, **values: object) -> str:
    """Return a sentence in a language, or in English if the language is unknown.

    Raises:
        KeyError: there is no such sentence, or a value is missing.
    """
    known = language if language in LANGUAGES else "en"
    before, after = ISOLATES if known == "ar" else ("", "")
    shown = {name: f"{before}{value}{after}" for name, value in values.items()}
    return sentences(known)[key].format_map(shown)


@cache
def sentences(language: str) -> dict[str, str]:
    """Return the sentences of a language by key."""
    text = files(__name__).joinpath(f"{language}.json").read_text("utf-8")
    found: dict[str, str] = json.loads(text)
    return found
