"""What is kept to go on after a reload: which file, which object, which multipart upload.

Never a credential. A record is trusted only as far as it can be checked: its form, its owner and
age here; the file by name, size and time of change; each part by what OSS lists and by the
checksum of the file's own bytes.
"""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploader.transfer.ports import File
    from uploader.transfer.upload import Upload

__all__ = ["Checkpoint", "checkpoint_of", "read_checkpoint"]

VERSION = 1
MAX_AGE_S = 7 * 86400
MAX_TEXT = 1_000_000


class LostFile:
    """A file of an earlier page, without its bytes."""

    content_type = ""

    def __init__(self, name: str, path: str, size: int, modified: int) -> None:
        self.name = name
        self.path = path
        self.size = size
        self.modified = modified


class Checkpoint:
    """One unfinished upload. `saved_at_s` is seconds since 1970; `owner` is the grant's prefix."""

    def __init__(
        self,
        *,
        owner: str,
        name: str,
        path: str,
        size: int,
        modified: int,
        key: str,
        upload_id: str,
        part_size: int,
        sent: int,
        saved_at_s: float,
    ) -> None:
        self.owner = owner
        self.name = name
        self.path = path
        self.size = size
        self.modified = modified
        self.key = key
        self.upload_id = upload_id
        self.part_size = part_size
        self.sent = sent
        self.saved_at_s = saved_at_s

    def fits(self, file: "File") -> bool:
        """Tell whether a file looks like the one that was being sent."""
        return (self.name, self.path, self.size, self.modified) == (
            file.name,
            file.path,
            file.size,
            file.modified,
        )

    def file(self) -> "LostFile":
        """Return what is known of the file, for requests that need none of its bytes."""
        return LostFile(self.name, self.path, self.size, self.modified)

    def text(self) -> str:
        """Return the record as JSON text."""
        return json.dumps(
            {
                "version": VERSION,
                "owner": self.owner,
                "name": self.name,
                "path": self.path,
                "size": self.size,
                "modified": self.modified,
                "key": self.key,
                "upload_id": self.upload_id,
                "part_size": self.part_size,
                "sent": self.sent,
                "saved_at_s": self.saved_at_s,
            }
        )


def checkpoint_of(upload: "Upload", *, owner: str, at_s: float) -> Checkpoint:
    """Return what is worth keeping of a multipart upload."""
    return Checkpoint(
        owner=owner,
        name=upload.file.name,
        path=upload.file.path,
        size=upload.file.size,
        modified=upload.file.modified,
        key=upload.key,
        upload_id=upload.upload_id,
        part_size=upload.part_size,
        sent=upload.sent,
        saved_at_s=at_s,
    )


def read_checkpoint(text: str, *, owner: str, now_s: float) -> "Checkpoint | None":
    """Read a record; `None` if it is broken, of another form, somebody else's, or too old."""
    if len(text) > MAX_TEXT:
        return None
    try:
        found = json.loads(text)
        if found["version"] != VERSION or found["owner"] != owner:
            return None
        record = Checkpoint(
            owner=owner,
            name=_text(found["name"]),
            path=_text(found["path"]),
            size=_count(found["size"]),
            modified=_count(found["modified"]),
            key=_text(found["key"]),
            upload_id=_text(found["upload_id"]),
            part_size=_count(found["part_size"]),
            sent=_count(found["sent"]),
            saved_at_s=float(found["saved_at_s"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
    ours = record.key.startswith(owner) and record.upload_id and record.part_size > 0
    young = now_s - MAX_AGE_S < record.saved_at_s < now_s + MAX_AGE_S
    return record if ours and young and record.sent <= record.size else None


def _text(value: "Any") -> str:
    if not isinstance(value, str):
        raise TypeError("text is wanted")
    return value


def _count(value: "Any") -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError("a count is wanted")
    return value
