"""Patterns with the wildcards `*` and `?`, compiled to regular expressions.

Policies and their conditions contain such patterns. The regular expressions need no backtracking:
if a pattern contains a literal part between two `*`, the first occurrence of the part in the text
is always sufficient. Atomic groups prevent backtracking. The time of a match is at most
proportional to the product of the lengths of text and pattern.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

_STARS = re.compile(r"\*+")


def globs(wildcards: Iterable[str]) -> re.Pattern[str]:
    """Return one regular expression for several patterns with wildcards.

    `fullmatch` of the expression succeeds if at least one pattern matches the whole text. `*`
    matches any number of characters, including `/`; `?` matches exactly one character.
    """
    return re.compile("|".join(f"(?:{_source(text)})" for text in wildcards), re.DOTALL)


@lru_cache(maxsize=1024)
def glob(wildcard: str) -> re.Pattern[str]:
    """Return the regular expression for one pattern with the wildcards `*` and `?`.

    A text matches the pattern if `fullmatch` of the expression succeeds.
    """
    return re.compile(_source(wildcard), re.DOTALL)


def _source(wildcard: str) -> str:
    first, *rest = (re.escape(text).replace(r"\?", ".") for text in _STARS.split(wildcard))
    if not rest:
        return first
    between = "".join(f"(?>.*?{text})" for text in rest[:-1])
    return f"{first}{between}.*{rest[-1]}"
