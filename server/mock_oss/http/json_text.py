"""Parser of untrusted JSON: refuses values that cannot be written as JSON in UTF-8 again."""

import json
from typing import Any


def read_json(text: str | bytes) -> Any:
    """Parse a JSON document.

    Raises:
        ValueError: the text is not valid JSON, is nested too deeply, or contains Infinity, NaN or
            an unpaired surrogate.
    """
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as e:
        raise ValueError("it is nested too deeply") from e
    return document
