"""Which language to answer in: what a person chose in the page, else what the browser asks for."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

__all__ = ["FALLBACK", "VARY", "keep_language", "language_of"]

FALLBACK = "en"
COOKIE = "ossferry_lang"  # the page sets it too
YEAR_S = 365 * 24 * 3600
VARY = "Accept-Language, Cookie"
MOST_LANGUAGES = 20  # of a header; nobody reads more
TRADITIONAL = ("hant", "tw", "hk", "mo")


def language_of(request: Request, known: Sequence[str]) -> str:
    """Return the language to answer in, one of `known`."""
    chosen = request.query_params.get("lang") or request.cookies.get(COOKIE, "")
    if chosen in known:
        return chosen
    for wanted in _accepted(request.headers.get("accept-language", "")):
        for language in known:
            if _speaks(wanted, language):
                return language
    return FALLBACK


def keep_language(response: Response, language: str) -> None:
    """Answer this browser in a language from now on, on all pages."""
    response.set_cookie(COOKIE, language, max_age=YEAR_S, samesite="lax")


def _accepted(header: str) -> list[str]:
    """Return the languages of an Accept-Language header, the most wanted first."""
    ranked = []
    for item in header.split(",")[:MOST_LANGUAGES]:
        name, _, quality = item.strip().partition(";q=")
        try:
            ranked.append((float(quality or 1), name.lower()))
        except ValueError:
            continue
    return [name for quality, name in sorted(ranked, key=lambda pair: -pair[0]) if quality > 0]


def _speaks(wanted: str, language: str) -> bool:
    """Tell whether a page in `language` suits who wants `wanted`, such as `zh-hk` or `en-gb`."""
    if wanted.startswith("zh"):
        traditional = any(part in TRADITIONAL for part in wanted.split("-"))
        return language == ("zh-TW" if traditional else "zh-CN")
    return wanted.split("-")[0] == language.lower()
