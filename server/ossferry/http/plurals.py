"""The plural rules of the languages of the server's pages, for integers.

The rules are those of CLDR. Babel has the rules of all languages, but adds 11 MB of data to the
server for five of them; a test compares this table with Babel.
"""

from collections.abc import Callable, Mapping

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
