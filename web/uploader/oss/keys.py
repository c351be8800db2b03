"""Object keys: `{prefix}{day}/{128 random bits}/{folders}/{safe name}`.

The random part makes two files of one name two objects; the name stays readable for people.
"""

from uploader.oss.encoding import UNRESERVED
from uploader.oss.times import day

__all__ = ["MAX_KEY_BYTES", "named_key", "object_key", "safe_name", "safe_path"]

MAX_KEY_BYTES = 1023
MAX_NAME_BYTES = 255
_CONTROLS = "".join([chr(code) for code in range(0xA0) if not 0x20 <= code < 0x7F])
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
MAX_KNOWN_PATHS = 100
_known_paths: "dict[str, str]" = {}  # many files share a folder
_INVISIBLE = "\u2028\u2029\ufeff"
_REPLACED = _CONTROLS + _BIDI + _INVISIBLE + "/\\"


def safe_name(name: str, *, max_bytes: int = MAX_NAME_BYTES) -> str:
    """Return `name` without what would change a path or its display, at most `max_bytes` long.

    Slashes, control and bidirectional characters become `_`; leading dots too, so that nothing is
    `..` or hidden; a name too long loses its middle and keeps its ending. Never empty.
    """
    text = name
    if name.strip(UNRESERVED):  # else all of it stays, as mostly: a look at it takes no time
        text = "".join(["_" if char in _REPLACED else char for char in name]).strip()
    dots = len(text) - len(text.lstrip("."))
    text = "_" * dots + text[dots:]
    return _shorten(text or "_", max_bytes)


def safe_path(path: str) -> str:
    """Return the names of folders, `a/b`, each of them safe and followed by a slash."""
    known = _known_paths.get(path)
    if known is None:
        known = "".join([safe_name(part) + "/" for part in path.split("/") if part])
        if len(_known_paths) >= MAX_KNOWN_PATHS:
            _known_paths.clear()
        _known_paths[path] = known
    return known


def _shorten(text: str, max_bytes: int) -> str:
    if len(text.encode()) <= max_bytes:
        return text
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending.encode()) > 16:
        stem, dot, ending = text, "", ""
    quota = max_bytes - len((dot + ending).encode())
    while len(stem.encode()) > quota:
        stem = stem[: max(quota // 4, len(stem) - (len(stem.encode()) - quota + 3) // 4)]
    return stem + dot + ending


def object_key(prefix: str, name: str, *, at_s: float, random_hex: str, path: str = "") -> str:
    """Return the key for a new object that nothing else can have.

    Args:
        prefix: the grant's prefix, ending in `/`.
        name: the local file's name.
        at_s: now, by the server's clock.
        random_hex: 128 random bits as 32 hex digits.
        path: folders of the file inside a chosen folder, `a/b`; kept in the key.

    Raises:
        ValueError: the prefix leaves no room for a name.
    """
    return _key(f"{prefix}{day(at_s)}/{random_hex}/", name, path)


def named_key(prefix: str, name: str, *, path: str = "") -> str:
    """Return the key that a file of this name always has, `{prefix}{folders}/{safe name}`.

    Raises:
        ValueError: as with `object_key`.
    """
    return _key(prefix, name, path)


def _key(head: str, name: str, path: str) -> str:
    head += safe_path(path)
    quota = MAX_KEY_BYTES - len(head.encode())
    if quota < 32:
        raise ValueError(f"the folder names are too long for an object key: {name[:60]}")
    return head + safe_name(name, max_bytes=min(MAX_NAME_BYTES, quota))
