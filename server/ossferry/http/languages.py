"""The languages of the server's pages, and the choice of one for a request.

A person chooses a language in the page, which sets a cookie. Without that choice the browser's
`Accept-Language` decides.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

__all__ = [
    "DEFAULT",
    "LANGUAGES",
    "RIGHT_TO_LEFT",
    "VARY",
    "keep_language",
    "language_of",
]

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
    """Return the language for the response: one of `known`, or `DEFAULT` if none of them fits."""
    chosen = request.query_params.get("lang") or request.cookies.get(COOKIE, "")
    if chosen in known:
        return chosen
    for wanted in _accepted(request.headers.get("accept-language", "")):
        for language in known:
            if _speaks(wanted, language):
                return language
    return DEFAULT


def keep_language(response: Response, language: str) -> None:
    """Set the cookie that keeps a language for all pages in this browser for a year."""
    response.set_cookie(COOKIE, language, max_age=YEAR_S, samesite="lax")


def _accepted(header: str) -> list[str]:
    """Return the languages of an Accept-Language header, the preferred one first."""
    ranked = []
    for item in header.split(",")[:MOST_LANGUAGES]:
        name, _, quality = item.strip().partition(";q=")
        try:
            ranked.append((float(quality or 1), name.lower()))
        except ValueError:
            continue
    return [name for quality, name in sorted(ranked, key=lambda pair: -pair[0]) if quality > 0]


def _speaks(wanted: str, language: str) -> bool:
    """Return whether a page in `language` suits a reader of `wanted`, such as `zh-hk`."""
    if wanted.startswith("zh"):
        traditional = any(part in TRADITIONAL for part in wanted.split("-"))
        return language == ("zh-TW" if traditional else "zh-CN")
    return wanted.split("-")[0] == language.lower()
