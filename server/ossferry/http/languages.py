"""The languages of the server's pages, and the selection of a language for each request.

The parameter `lang` in the URL comes first, then the cookie with the language that the user has
selected, then the browser's header `Accept-Language`.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

DEFAULT = "en"
LANGUAGES = (DEFAULT, "ja", "zh-CN", "zh-TW", "ar")
"""The languages that every page of the server has."""

RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")
COOKIE = "ossferry_lang"  # the page sets this cookie too
YEAR_S = 365 * 24 * 3600
VARY = "Accept-Language, Cookie"
MOST_LANGUAGES = 20  # read from one Accept-Language header
TRADITIONAL = ("hant", "tw", "hk", "mo")


def language_of(request: Request, known: Sequence[str]) -> str:
    """Return the code of the language for the response to a request: one of `known`, or else `en`.

    The parameter `lang` in the URL comes first, then the cookie that `keep_language` sets, then the
    header `Accept-Language`.

    Args:
        known: codes of the languages in which the response exists.
    """
    chosen = request.query_params.get("lang") or request.cookies.get(COOKIE, "")
    if chosen in known:
        return chosen
    for wanted in _accepted(request.headers.get("accept-language", "")):
        for language in known:
            if _speaks(wanted, language):
                return language
    return DEFAULT


def keep_language(response: Response, language: str) -> None:
    """Set a cookie that selects this language for all pages in this browser, for one year."""
    response.set_cookie(COOKIE, language, max_age=YEAR_S, samesite="lax")


def _accepted(header: str) -> list[str]:
    """Return the language codes of an Accept-Language header, in order of preference."""
    ranked = []
    for item in header.split(",")[:MOST_LANGUAGES]:
        name, _, quality = item.strip().partition(";q=")
        try:
            ranked.append((float(quality or 1), name.lower()))
        except ValueError:
            continue
    return [name for quality, name in sorted(ranked, key=lambda pair: -pair[0]) if quality > 0]


def _speaks(wanted: str, language: str) -> bool:
    """Return whether a page in `language` suits a browser that prefers `wanted`.

    Args:
        wanted: a language code in lower case, such as `zh-hk`.
        language: the language code of a page, such as `zh-TW`.
    """
    if wanted.startswith("zh"):
        traditional = any(part in TRADITIONAL for part in wanted.split("-"))
        return language == ("zh-TW" if traditional else "zh-CN")
    return wanted.split("-")[0] == language.lower()
