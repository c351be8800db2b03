"""Stored files as the server lists them, and the URL paths of requests about them."""

from ossferry_uploader.oss.encoding import percent_encode
from ossferry_uploader.oss.times import from_iso, to_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.transfer.upload import Upload

PAGE = 200  # objects of a reply, and lines shown at a time
RANDOM_CHARS = 32  # hex digits in a key
HEX = "0123456789abcdef"


class StoredObject:
    """One stored file from the server's response to `GET /api/objects`.

    Attributes:
        key: the object key of the file.
        name, folders: file name and folders, such as `a/b`, which the person can change.
        size: the size in bytes.
        crc64: the CRC-64 as decimal text; empty if the server has none.
        at_s: the time when the file was stored, in seconds since 1970.
        is_held: whether nobody can read the file yet.
        reason: why the server holds it; empty if it has not checked it yet.
        checks: the results of the checks, in the format of `Upload.checks`; `None` if no check ran.
    """

    def __init__(self, document: "dict[str, Any]") -> None:
        self.key: str = document["key"]
        self.name: str = document["name"]
        self.folders: str = document["folder"]
        self.path = f"{self.folders}/{self.name}" if self.folders else self.name
        self.size = int(document["size"])
        self.crc64: str = document["crc64"] or ""
        self.at_s = from_iso(document["last_modified"])
        self.is_held = bool(document.get("held"))
        self.reason = str(document.get("reason") or "")
        self.checks: dict[str, Any] | None = document.get("checks")


def not_listed(
    uploads: "list[Upload]", *, words: str, listed: "set[str]", now_s: float
) -> "list[dict[str, Any]]":
    """Return the finished uploads of this page that are not in the server's list yet.

    Args:
        uploads: the finished uploads.
        words: the words of the search. An upload is returned only if its folders and file name
            contain all of them.
        listed: the keys of the objects in the server's list.
        now_s: the time to show for the uploads, in seconds since 1970.

    Returns:
        JSON objects in the format of the server's list, the latest upload first.
    """
    wanted = words.lower().split()
    now = to_iso(now_s)
    documents = []
    for upload in uploads:
        if upload.key not in listed and _fits(upload.key, wanted):
            document = {
                "key": upload.key,
                "name": upload.key.rpartition("/")[2],
                "folder": folders_of(upload.key),
                "size": upload.file.size,
                "crc64": upload.crc64,
                "last_modified": now,
                "held": upload.target.is_held,
                "checks": upload.checks,
            }
            documents.append(document)
    return documents[::-1]


def _fits(key: str, words: "list[str]") -> bool:
    if not words:
        return True
    path = f"{folders_of(key)}/{key.rpartition('/')[2]}".lower()
    return all(word in path for word in words)


def folders_of(key: str) -> str:
    """Return the person's own folders in an object key, such as `a/b`; empty if there are none.

    The prefix (the first two folders of the key), the day, the random part and the file name are
    left out; so is the folder of a guest. Some keys have no day and no random part.
    """
    parts = key.split("/")[2:-1]
    if parts[:1] == ["requests"] and len(parts) > 2 and len(parts[1]) == RANDOM_CHARS:
        parts = parts[3:]
    for index, part in enumerate(parts):
        if index and len(part) == RANDOM_CHARS and all(char in HEX for char in part):
            parts = parts[: index - 1] + parts[index + 1 :]
            break
    return "/".join(parts)


def path_of(key: str) -> str:
    """Return an object key for the path of a URL: percent-encoded, except for `/`."""
    return "/".join([percent_encode(part) for part in key.split("/")])


def list_path(*, words: str, order: str, after: str) -> str:
    """Return path and query of the request for one page of the server's list of stored files.

    Args:
        words: the words of the search; may be empty.
        order: the sort order: `newest`, `name` or `size`.
        after: the cursor that came with the previous page; empty for the first page.
    """
    path = f"/api/objects?limit={PAGE}&sort={order}"
    if words:
        path += f"&q={percent_encode(words)}"
    return f"{path}&after={percent_encode(after)}" if after else path
