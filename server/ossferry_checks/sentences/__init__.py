"""The messages of the checks, in the languages of the page.

Each language has a JSON file that maps keys to messages. `{name}` in a message stands for a value.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["LANGUAGES", "say"]

LANGUAGES = ("en", "ja", "zh-CN", "zh-TW", "ar")
ISOLATES = ("\u2068", "\u2069")  # keep the order of `a.pdf` in a right-to-left sentence


def say(key: str, language: str, **values: object) -> str:
    """Return a message in a given language, or in English if the language is unknown.

    Args:
        key: the name of the message in the language files.
        language: the language, such as `zh-CN`.
        values: the values for the placeholders in the message, by name.

    Raises:
        KeyError: there is no message with this name, or a value is missing.
    """
    known = language if language in LANGUAGES else "en"
    before, after = ISOLATES if known == "ar" else ("", "")
    shown = {name: f"{before}{value}{after}" for name, value in values.items()}
    return str(sentences(known)[key].format_map(shown))


@cache
def sentences(language: str) -> dict[str, Any]:
    """Return all messages in one of `LANGUAGES`: {key: message with placeholders}.

    A message of the panel that depends on a count is an object {plural form: message}.

    Raises:
        OSError: the language is unknown.
    """
    text = files(__name__).joinpath(f"{language}.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
