"""Object keys of uploads: their format, and a check of the keys that clients send.

The key of an upload is `{prefix}{day}/{32 hexadecimal digits}/{safe name}`, and the prefix begins
with `UPLOADS`. Between prefix and day, a key can have a folder that the uploader or the host
application chose. The page has its own code for this format, in `ossferry_uploader/oss/keys.py`; a
test compares the two.
"""

import re
import unicodedata
from datetime import UTC, datetime

from ossferry.errors import BadRequestError, ForeignKeyError

UPLOADS = "uploads/"
"""The prefix of all uploads in the bucket."""

INCOMING = "incoming/"
"""The prefix before the key of an upload that waits for the scanner, or that the scanner holds."""

TRASH = "trash/"
"""The prefix of all deleted objects that can still be restored."""

REQUESTS = "requests/"
"""The folder of all files that a principal has asked guests for, below the principal's prefix."""

DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
RANDOM = "[0-9a-f]{32}"
MAX_KEY_BYTES = 1023
MAX_NAME_BYTES = 255
MAX_ENDING_BYTES = 16
_DAY_AND_RANDOM = re.compile(rf"(?:\A|(?<=/)){DAY}/{RANDOM}/")
_ASKED = re.compile(rf"{UPLOADS}[^/]+/{REQUESTS}({RANDOM})/({RANDOM})/")
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_REPLACED = frozenset(BIDI + "\u2028\u2029\ufeff" + "/\\")


def folder_of(key: str) -> str:
    """Return the first two parts of an object key, which are the prefix of one owner's folder.

    This is `uploads/alice-…/` for an upload, and `trash/{hash}/` for an object in the trash. If the
    key begins with `INCOMING`, this is before them.
    """
    parts = 3 if key.startswith(INCOMING) else 2
    return "/".join(key.split("/")[:-1][:parts]) + "/"


def guest_of(key: str) -> str:
    """Return the id of the guest who may have stored an object with this key; empty for others.

    The owner of the prefix may store objects there too.
    """
    asked = _ASKED.match(key)
    return asked[2] if asked else ""


def directory(prefix: str, at: datetime, random_hex: str) -> str:
    """Return the directory of a new upload, such as `{prefix}2026-03-14/{random_hex}/`.

    Args:
        at: time of the upload.
        random_hex: 32 hexadecimal digits.
    """
    return f"{prefix}{at.astimezone(UTC):%Y-%m-%d}/{random_hex}/"


def path_of(key: str, prefix: str) -> str:
    """Return the path of an upload for display: the folders and the file name in the object key.

    The principal's prefix, the day and the random digits are removed; a folder before the day
    remains. Some keys contain no day and no random digits, because the page created them from the
    file name only.

    Args:
        prefix: the principal's prefix.
    """
    return _DAY_AND_RANDOM.sub("", key.removeprefix(prefix), count=1)


def shown_path(key: str, renamed_to: str | None) -> tuple[str, str]:
    """Return the folders of an upload as its owner sees them, such as `a/b`, and its file name.

    The folder of a guest is left out.

    Args:
        renamed_to: the path that the owner has given to the upload; None if it has that of its key.
    """
    asked = _ASKED.match(key)
    path = renamed_to or path_of(key, asked[0] if asked else folder_of(key))
    folders, _, name = path.rpartition("/")
    return folders, name


def safe_path(folders: str, name: str) -> str:
    """Join folders and a file name to a path, with `safe_name` for each part.

    Raises:
        BadRequestError: the path is longer than a key may be.
    """
    path = "/".join(safe_name(part) for part in [*filter(None, folders.split("/")), name])
    if len(path.encode()) > MAX_KEY_BYTES:
        raise BadRequestError(f"folder and name must have at most {MAX_KEY_BYTES} bytes together.")
    return path


def name_of(key: str) -> str:
    """Return the file name in the key of an upload: the part after the last slash."""
    return key.rpartition("/")[2]


def check_own_key(key: str, prefix: str) -> str:
    """Raise an error if a key from a client is not below a prefix; otherwise return the key.

    The key is compared unchanged, without decoding or normalization.

    Raises:
        BadRequestError: no upload can have such a key.
        ForeignKeyError: the key is not below the prefix.
    """
    if not key.startswith(prefix) or key == prefix:
        raise ForeignKeyError("Only objects below your own prefix can be asked about.")
    if not _is_plain(key):
        raise BadRequestError("key must be an object key, as it was uploaded.")
    return key


def safe_name(name: str) -> str:
    """Return a file name in which `_` replaces characters that change a path or the displayed text.

    These are slashes, control characters, characters that change the text direction, and leading
    dots. A name of more than 255 bytes is shortened, but a short extension is kept. The result is
    never empty.
    """
    text = "".join("_" if _is_odd(char) else char for char in name).strip()
    bare = text.lstrip(".")
    return _shorten("_" * (len(text) - len(bare)) + bare or "_")


def form_name(name: str) -> str:
    """Return a safe file name for the key of an object that a signed form stores.

    In addition to `safe_name`, `_` replaces `$`, because OSS replaces `${filename}` in a form's
    key.
    """
    return safe_name(name).replace("$", "_")


def _is_plain(key: str) -> bool:
    try:
        long = len(key.encode()) > MAX_KEY_BYTES
    except UnicodeEncodeError:
        return False
    odd = any(part in ("", ".", "..") for part in key.split("/"))
    return not (long or odd or "\\" in key or any(ord(char) < 32 or char == "\x7f" for char in key))


def _is_odd(char: str) -> bool:
    return char in _REPLACED or unicodedata.category(char) == "Cc"


def _shorten(text: str) -> str:
    """Return a name of at most 255 bytes; keep an extension of up to 16 bytes."""
    if len(text.encode()) <= MAX_NAME_BYTES:
        return text
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending.encode()) > MAX_ENDING_BYTES:
        stem, dot, ending = text, "", ""
    most = MAX_NAME_BYTES - len((dot + ending).encode())
    while len(stem.encode()) > most:
        stem = stem[: max(most // 4, len(stem) - (len(stem.encode()) - most + 3) // 4)]
    return stem + dot + ending
