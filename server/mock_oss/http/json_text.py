"""Untrusted JSON: accepted only if the mock can write the document again."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["read_json"]


def read_json(text: str | bytes) -> Any:
    """Parse a JSON document.

    Raises:
        ValueError: the text is not JSON, is nested too deeply, or has half of a surrogate pair,
            Infinity or NaN, which no response and no journal entry could contain.
    """
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as e:
        raise ValueError("it is nested too deeply") from e
    return document
