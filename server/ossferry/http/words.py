"""The texts of the server's pages, in all languages, from the folder `locales/`.

A text is a sentence, or an object with one sentence for each plural form of the language. Values
that are inserted into a text are escaped, so the result is safe HTML.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from ossferry.http.languages import LANGUAGES
from ossferry.http.plurals import plural


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
