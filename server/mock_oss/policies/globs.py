"""Wildcards in policies and their conditions, compiled to patterns without backtracking.

Between two ``*``, the first match of a part is as good as any later one, so an atomic group keeps
it. The cost of a match is at most the length of the text times the length of the wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["glob", "globs"]

_STARS = re.compile(r"\*+")


def globs(wildcards: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern whose ``fullmatch`` succeeds if any of the wildcards matches a text.

    ``*`` matches any number of characters, including ``/``; ``?`` matches exactly one character.
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
