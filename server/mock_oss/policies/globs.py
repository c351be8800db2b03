"""Wildcards of policies and their conditions, compiled so that matching never goes back.

Between two ``*`` the first place that fits is as good as any later one, so an atomic group takes
it for good: a match costs at most the length of the text times that of the wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["glob", "globs"]

_STARS = re.compile(r"\*+")


def globs(wildcards: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern whose ``fullmatch`` finds a text that one of the wildcards means.

    ``*`` is any run of characters, ``/`` included; ``?`` is exactly one.
    """
    return re.compile("|".join(f"(?:{_source(text)})" for text in wildcards), re.DOTALL)


@lru_cache(maxsize=1024)
def glob(wildcard: str) -> re.Pattern[str]:
    """Return the pattern of one wildcard."""
    return re.compile(_source(wildcard), re.DOTALL)


def _source(wildcard: str) -> str:
    first, *rest = (re.escape(text).replace(r"\?", ".") for text in _STARS.split(wildcard))
    if not rest:
        return first
    between = "".join(f"(?>.*?{text})" for text in rest[:-1])
    return f"{first}{between}.*{rest[-1]}"
