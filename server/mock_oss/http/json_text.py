"""JSON that strangers send: refused unless everything in it can be written down again."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["read_json"]


def read_json(text: str | bytes) -> Any:
    """Return the document.

    Raises:
        ValueError: it is not JSON, is nested beyond measure, or holds half of a surrogate pair or
            a number without an end, which no answer and no journal could show.
    """
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as e:
        raise ValueError("it is nested too deeply") from e
    return document
