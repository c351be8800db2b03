"""What is stored, as the server lists it."""

from uploader.oss.encoding import percent_encode
from uploader.oss.times import from_iso, to_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploader.transfer.upload import Upload

__all__ = ["PAGE", "Stored", "folders_of", "list_path", "not_listed", "path_of"]

PAGE = 200  # objects a request, and shown at once
RANDOM_CHARS = 32


class Stored:
    """One object of `GET /api/objects`; `at_s` is when it arrived, in seconds since 1970."""

    def __init__(self, document: "dict[str, Any]") -> None:
        self.key: str = document["key"]
        self.name: str = document["name"]
        self.size = int(document["size"])
        self.crc64: str = document["crc64"] or ""
        self.at_s = from_iso(document["last_modified"])


def not_listed(
    uploads: "list[Upload]", *, words: str, listed: "set[str]", now_s: float
) -> "list[dict[str, Any]]":
    """Return, as the server would list them, those whose names fit and that it did not list yet.

    The latest comes first.
    """
    wanted = words.lower().split()
    now = to_iso(now_s)
    found = []
    for upload in uploads:
        if upload.key not in listed and _fits(upload.key, wanted):
            document = {
                "key": upload.key,
                "name": upload.key.rpartition("/")[2],
                "size": upload.file.size,
                "crc64": upload.crc64,
                "last_modified": now,
            }
            found.append(document)
    return found[::-1]


def _fits(key: str, words: "list[str]") -> bool:
    if not words:
        return True
    path = f"{folders_of(key)}/{key.rpartition('/')[2]}".lower()
    return all(word in path for word in words)


def folders_of(key: str) -> str:
    """Return the file's own folders, as far as its key tells.

    They follow the random part, or the prefix of two folders.
    """
    parts = key.split("/")[:-1]
    for index, part in enumerate(parts):
        if len(part) == RANDOM_CHARS and all(char in "0123456789abcdef" for char in part):
            return "/".join(parts[index + 1 :])
    return "/".join(parts[2:])  # the key is made of names alone


def path_of(key: str) -> str:
    """Return a key as it goes into an address."""
    return "/".join([percent_encode(part) for part in key.split("/")])


def list_path(*, words: str, order: str, after: str) -> str:
    """Return the address of a page of what is stored, searched and in order by the server."""
    asked = f"/api/objects?limit={PAGE}&sort={order}"
    if words:
        asked += f"&q={percent_encode(words)}"
    return f"{asked}&after={percent_encode(after)}" if after else asked
