"""Build object keys: `{prefix}{folder}/{day}/{128 random bits}/{folders}/{safe name}`.

`prefix` is the key prefix in the grant. `folder` is an option of the upload, and usually empty.
`folders` are the folders of the file. The random part gives two files with the same name different
keys, and the name stays readable.
"""

from ossferry_uploader.oss.encoding import UNRESERVED
from ossferry_uploader.oss.times import day

MAX_KEY_BYTES = 1014  # OSS accepts 1,023; `Bucket.held` may come before the key
MAX_NAME_BYTES, MIN_NAME_BYTES = 255, 32
_CONTROLS = "".join([chr(code) for code in range(0xA0) if not 0x20 <= code < 0x7F])
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
MAX_KNOWN_PATHS = 100
_known_paths: "dict[str, str]" = {}  # a cache: many files share a folder
_INVISIBLE = "\u2028\u2029\ufeff"
_REPLACED = _CONTROLS + _BIDI + _INVISIBLE + "/\\"


def safe_name(name: str, *, max_bytes: int = MAX_NAME_BYTES) -> str:
    """Return a file name that is safe in object keys, with at most `max_bytes` bytes.

    Slashes, control characters, bidirectional controls and leading dots become `_`. A name that is
    too long is cut before its extension. The result is never empty.
    """
    text = name
    if name.strip(UNRESERVED):  # fast path: most names have no other characters
        text = "".join(["_" if char in _REPLACED else char for char in name]).strip()
    dots = len(text) - len(text.lstrip("."))
    text = "_" * dots + text[dots:]
    return _shorten(text or "_", max_bytes)


def safe_path(path: str) -> str:
    """Apply `safe_name` to each folder name in a path, and append `/`: `a/.b` becomes `a/_b/`.

    The result is empty if the path is empty.
    """
    known = _known_paths.get(path)
    if known is None:
        known = "".join([safe_name(part) + "/" for part in path.split("/") if part])
        if len(_known_paths) >= MAX_KNOWN_PATHS:
            _known_paths.clear()
        _known_paths[path] = known
    return known


def in_folder(folder: str, path: str) -> str:
    """Join two paths: `orders/7` and `a/b` become `orders/7/a/b`. Both may be empty.

    Args:
        folder: the attribute `folder` of the upload's `Options`.
        path: the folders of the file.
    """
    return "/".join([part for part in (folder, path) if part])


def _shorten(text: str, max_bytes: int) -> str:
    if len(text.encode()) <= max_bytes:
        return text
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending.encode()) > 16:
        stem, dot, ending = text, "", ""
    quota = max_bytes - len((dot + ending).encode())
    while len(stem.encode()) > quota:
        stem = stem[: len(stem) - (len(stem.encode()) - quota + 3) // 4]
    return stem + dot + ending


def object_key(prefix: str, name: str, *, at_s: float, random_hex: str, path: str = "") -> str:
    """Return a unique object key: `{prefix}{day}/{random_hex}/{path}/{safe name}`.

    Args:
        prefix: the beginning of the key, ending in `/`, such as the key prefix in the grant.
        name: the name of the local file.
        at_s: the present time by the server's clock, in seconds since 1970.
        random_hex: 128 random bits as 32 hex digits.
        path: the folders of the file, such as `a/b`.

    Raises:
        ValueError: prefix and path are so long that less than 32 bytes are left for the name.
    """
    return _key(f"{prefix}{day(at_s)}/{random_hex}/", name, path)


def named_key(prefix: str, name: str, *, path: str = "") -> str:
    """Return an object key without a day and a random part: `{prefix}{path}/{safe name}`.

    Args:
        prefix: the key prefix in the grant, ending in `/`; empty for a key without it.
        name: the name of the local file.
        path: the folders of the file, such as `a/b`.

    Raises:
        ValueError: prefix and path are so long that less than 32 bytes are left for the name.
    """
    return _key(prefix, name, path)


def _key(head: str, name: str, path: str) -> str:
    head += safe_path(path)
    quota = MAX_KEY_BYTES - len(head.encode())
    if quota < MIN_NAME_BYTES:
        raise ValueError(f"the folder names are too long for an object key: {name[:60]}")
    return head + safe_name(name, max_bytes=min(MAX_NAME_BYTES, quota))
