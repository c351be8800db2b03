"""The texts of the server's pages, in all languages, from the folder `locales/`.

A text is a sentence, or an object with one sentence for each plural form of the language. Values
that are inserted into a text are escaped, so the result is safe HTML. The plural rules, for
integers, are those of CLDR. Babel has the rules of all languages, but adds 11 MB of data to the
server for five of them; a test compares the table with Babel.
"""

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from ossferry.http.languages import LANGUAGES

CATEGORIES = ("zero", "one", "two", "few", "many", "other")
"""The plural categories of CLDR, in its order."""


def _english(count: int) -> str:
    return "one" if count == 1 else "other"


def _arabic(count: int) -> str:
    if count <= 2:
        return CATEGORIES[count]
    last_two = count % 100
    if last_two in range(3, 11):
        return "few"
    return "many" if last_two >= 11 else "other"


def _without_plural(_count: int) -> str:
    return "other"


RULES: Mapping[str, Callable[[int], str]] = {
    "en": _english,
    "ja": _without_plural,
    "zh-CN": _without_plural,
    "zh-TW": _without_plural,
    "ar": _arabic,
}


def plural(language: str, count: int) -> str:
    """Return the plural category of a number, such as `one`, `few` or `other`.

    Args:
        language: a language code of the server's pages, such as `zh-CN`.
        count: the number, 0 or more.

    Source: Unicode CLDR, Language Plural Rules.
    """
    return RULES[language](count)


class Words:
    """The texts of a page in one language.

    Args:
        language: a language code, such as `zh-CN`.
        texts: a mapping from keys to sentences. For a sentence with a number, the value is a
            mapping from plural forms to sentences.
    """

    def __init__(self, language: str, texts: Mapping[str, Any]) -> None:
        self.language = language
        self.texts = texts

    def say(self, key: str, **values: object) -> Markup:
        """Return the sentence with this key as HTML.

        Each `{name}` in the sentence is replaced by the value with this name. A value that is not
        `Markup` is escaped.
        """
        return escape(self.texts[key]).format(**values)

    def say_count(self, key: str, count: int, **values: object) -> Markup:
        """Return the sentence with this key in the plural form for `count`, as HTML.

        If the sentence lacks this form, the form `other` is used. `{count}` in the sentence is
        replaced by the number, and each `{name}` by the escaped value with this name.
        """
        forms = self.texts[key]
        sentence = forms.get(plural(self.language, count), forms["other"])
        return escape(sentence).format(count=f"{count:,}", **values)


def load_words(page: str) -> Mapping[str, Words]:
    """Return the texts of a page; the keys of the mapping are language codes.

    Args:
        page: the first part of the names of the text files, such as `form`.
    """
    folder = files("ossferry") / "locales"
    return {
        language: Words(
            language, json.loads((folder / f"{page}.{language}.json").read_text("utf-8"))
        )
        for language in LANGUAGES
    }
