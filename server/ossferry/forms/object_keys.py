"""Object keys for uploads that the server names, in the same scheme as the upload page.

The scheme is `{prefix}{day}/{128 random bits}/{safe name}`. The page implements it separately in
`uploader/oss/keys.py`; a test compares both implementations.
"""

import unicodedata
from datetime import UTC, datetime

__all__ = ["directory", "form_name", "safe_name"]

MAX_NAME_BYTES = 255
MAX_ENDING_BYTES = 16
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_REPLACED = frozenset(_BIDI + "\u2028\u2029\ufeff" + "/\\")


def directory(prefix: str, at: datetime, random_hex: str) -> str:
    """Return the directory of an upload, ``{prefix}2026-03-14/{random_hex}/``."""
    return f"{prefix}{at.astimezone(UTC):%Y-%m-%d}/{random_hex}/"


def safe_name(name: str) -> str:
    """Return a file name without characters that change a path or its display.

    Slashes, control characters, bidirectional characters and leading dots become ``_``. A name of
    more than 255 bytes is cut before its extension. The result is never empty.
    """
    text = "".join("_" if _is_odd(char) else char for char in name).strip()
    bare = text.lstrip(".")
    return _shorten("_" * (len(text) - len(bare)) + bare or "_")


def form_name(name: str) -> str:
    """Return a safe name without ``$``, because OSS expands ``${filename}`` in a form's key."""
    return safe_name(name).replace("$", "_")


def _is_odd(char: str) -> bool:
    return char in _REPLACED or unicodedata.category(char) == "Cc"


def _shorten(text: str) -> str:
    if len(text.encode()) <= MAX_NAME_BYTES:
        return text
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending.encode()) > MAX_ENDING_BYTES:
        stem, dot, ending = text, "", ""
    room = MAX_NAME_BYTES - len((dot + ending).encode())
    while len(stem.encode()) > room:
        stem = stem[: max(room // 4, len(stem) - (len(stem.encode()) - room + 3) // 4)]
    return stem + dot + ending
