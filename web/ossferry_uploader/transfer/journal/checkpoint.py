"""The record of one unfinished upload, with which a page can continue it after a reload.

A record describes the file, the object and the multipart upload. It has no upload id if the file
has not begun to be sent, or is sent in one request. It contains no credentials.

The engine continues an upload from a record only after these checks:

- The record must have the expected format and owner, and must not be too old.
- The file must have the name, size and time of change in the record.
- Each part must be in OSS's list of parts, with the same CRC-64 as the bytes of the file.
- If the file is sent in one request, OSS must refuse to overwrite an existing object.
- If the file is already stored, its CRC-64 must be the one in the record, and the server must still
  find the object.
"""

import json

from ossferry_uploader.oss.keys import in_folder, named_key
from ossferry_uploader.transfer.files import LostFile
from ossferry_uploader.transfer.options import KEEP_BOTH, Options, name_of
from ossferry_uploader.transfer.plan import (
    MAX_PART_BYTES,
    MAX_PARTS,
    MAX_SINGLE_BYTES,
    MIN_PART_BYTES,
    part_count,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.upload import Upload

VERSION = 2
MAX_AGE_S = 7 * 86400
MAX_TEXT = 1_000_000
SHA256_DIGITS = 64
EDIT = 5  # numbers


class Checkpoint:
    """The record of one upload, as it is in the browser's storage.

    Attributes:
        owner: the key prefix of the person to whom the record belongs.
        sent: the number of bytes that OSS has confirmed as parts.
        made: name and size in bytes of the file that is sent in place of the chosen file, because
            of checks or an edit; otherwise `None`.
        edit: how the person rotates and crops the picture, see `ports.Pictures`; `None` if not.
        salt: the salt from which the upload's data key is derived, see `sending.encryption`; empty
            if the upload is not encrypted.
        crc64: the CRC-64 of the stored object in decimal; empty for an unfinished upload. The
            record of a stored file stays until no tab has unfinished uploads.
        replaces: the key of the stored object that the upload replaces; empty for none.
        saved_at_s: the time when the record was written, in seconds since 1970.
        page: the tab that wrote the record, identified by the name of the tab's lock.
        lock: the name of the lock that shows whether a tab is working on the upload. A multipart
            upload has its own lock. All other uploads of a tab share the tab's lock.
        stored_as: the name of the record in the browser's storage.
    """

    owner: str
    name: str
    path: str
    size: int
    modified: int  # negative before 1970
    key: str
    upload_id: str
    part_size: int
    sent: int
    saved_at_s: float
    page: str
    options: Options
    sha256 = ""  # as sent with InitiateMultipartUpload
    made: "tuple[str, int] | None" = None
    edit: "list[int] | None" = None
    salt = ""
    crc64 = ""
    replaces = ""
    is_abandoned = False  # cancelled or too old: to be removed, not offered
    number = 0  # in a `RecordList`
    can_reopen = False  # the browser can open the file without a file chooser

    def __init__(self, **values: "Any") -> None:
        for name in values:
            setattr(self, name, values[name])
        self.total = self.made[1] if self.made else self.size  # bytes to send
        self.lock = self.key if self.upload_id else self.page
        self.stored_as = f"{names_of(self.owner, self)}{self.key}"

    def file(self) -> "LostFile":
        """Return a `LostFile`, which describes the record's file; its bytes are not available."""
        return LostFile(self.name, self.path, self.size, self.modified)

    def text(self) -> str:
        """Return the record as JSON text for the browser's storage."""
        stored = {name: getattr(self, name) for name in READERS}
        stored.update(version=VERSION, options=self.options.given, given_up=self.is_abandoned)
        return json.dumps(stored)


def fingerprint(file: "File | Checkpoint") -> str:
    """Return the fingerprint used to recognise a file: size, time of change, folders and name."""
    return f"{file.size} {file.modified} {file.path}/{file.name}"


def names_of(owner: str, file: "File | Checkpoint") -> str:
    """Return the common beginning of the names under which all records of a file are stored.

    Args:
        owner: the key prefix of the person to whom the records belong.
    """
    return f"{owner}{fingerprint(file)}\n"


def checkpoint_of(upload: "Upload", *, owner: str, page: str, at_s: float) -> Checkpoint:
    """Return a new record that describes the present state of an upload.

    Args:
        owner: the key prefix of the person to whom the record belongs.
        page: this tab, identified by the name of the tab's lock.
        at_s: the server's time in seconds since 1970.
    """
    upload_id = "" if upload.crc64 else upload.upload_id
    return Checkpoint(
        owner=owner,
        name=upload.source.name,
        path=upload.source.path,
        size=upload.source.size,
        modified=upload.source.modified,
        key=upload.key,
        upload_id=upload_id,
        part_size=upload.progress.part_size if upload_id else 0,
        sent=upload.progress.arrived if upload_id else 0,
        saved_at_s=at_s,
        page=page,
        options=upload.options,
        sha256=upload.sha256 if upload_id else "",
        is_abandoned=upload.record.is_abandoned,
        made=upload.made,
        edit=upload.edit,
        salt=upload.target.salt,
        crc64=upload.crc64,
        replaces=upload.target.replaces,
    )


def restore(upload: "Upload", record: Checkpoint) -> None:
    """Copy the object key, multipart upload and options in a record to an upload of the same file.

    The upload then continues the unfinished upload that the record describes.
    """
    upload.target.continue_from(
        record.key, sha256=record.sha256, salt=record.salt, crc64=record.crc64
    )
    upload.progress.continue_from(
        record.upload_id,
        record.part_size,
        may_have_begun=record.total > MAX_SINGLE_BYTES and not (record.upload_id or record.crc64),
        made=record.made,
    )
    upload.edit = upload.edit or record.edit
    upload.target.replaces = upload.target.replaces or record.replaces
    upload.record.name, upload.record.upload_id = record.stored_as, record.upload_id
    if record.options.given != upload.options.given:
        upload.use(upload.file, record.options)


def read_checkpoint(text: str, *, owner: str, now_s: float) -> "Checkpoint | None":
    """Return the record in a JSON text; `None` if the record cannot be used.

    A record cannot be used if the text is malformed, or if the record has another format version,
    belongs to another person, or is older than `MAX_AGE_S` seconds. There is one exception: an old
    record of a multipart upload is returned with `is_abandoned` set, so that the parts are removed
    from OSS.

    Args:
        text: the text from the browser's storage, or from a message of another tab.
        owner: the key prefix of the person to whom the record must belong.
        now_s: the server's time in seconds since 1970.
    """
    if len(text) > MAX_TEXT:
        return None
    try:
        values = json.loads(text)
        if values["version"] != VERSION or values["owner"] != owner:
            return None
        fields = {
            name: READERS[name](values.get(name, getattr(Checkpoint, name, None)))
            for name in READERS
        }
        record = Checkpoint(is_abandoned=values.get("given_up") is True, **fields)
        ours = record.lock and _is_place_of(record)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    is_old = record.saved_at_s <= now_s - MAX_AGE_S
    if is_old and record.upload_id:
        record.is_abandoned = True  # so that its parts are removed
    in_time = record.saved_at_s < now_s + MAX_AGE_S and not (is_old and not record.upload_id)
    sound = _is_plan_of(record) and len(record.sha256) in (0, SHA256_DIGITS)
    return record if ours and in_time and sound else None


def _is_plan_of(record: Checkpoint) -> bool:
    if not record.upload_id:
        return record.sent == record.part_size == 0
    in_bounds = MIN_PART_BYTES <= record.part_size <= MAX_PART_BYTES
    return (
        in_bounds
        and record.sent <= record.total
        and part_count(record.total, record.part_size) <= MAX_PARTS
    )


def _is_place_of(record: Checkpoint) -> bool:
    if record.options.same_name == KEEP_BOTH:
        return record.key.startswith(record.owner) and ".." not in record.key.split("/")
    path = in_folder(record.options.folder, record.path)
    sent = record.made[0] if record.made else record.name
    name = name_of(record.options.name, record.name, sent)
    return record.key == named_key(record.owner, name, path=path)


def _made(value: "Any") -> "tuple[str, int] | None":
    return (_text(value[0]), _count(value[1])) if value else None


def _edit(value: "Any") -> "list[int] | None":
    if value and len(value) != EDIT:
        raise ValueError(f"an edit has {EDIT} numbers")
    return [_count(number) for number in value] if value else None


def _text(value: "Any") -> str:
    if not isinstance(value, str):
        raise TypeError("text is wanted")
    return value


def _count(value: "Any") -> int:
    if _whole(value) < 0:
        raise TypeError("a count is wanted")
    return int(value)


def _whole(value: "Any") -> int:
    if not isinstance(value, int):
        raise TypeError("a number is wanted")
    return value


READERS: "dict[str, Callable[[Any], Any]]" = {  # of the values in the JSON text
    "owner": _text,
    "name": _text,
    "path": _text,
    "size": _count,
    "modified": _whole,
    "key": _text,
    "upload_id": _text,
    "part_size": _count,
    "sent": _count,
    "saved_at_s": float,
    "page": _text,
    "options": lambda given: Options(**given),
    "sha256": _text,
    "made": _made,
    "edit": _edit,
    "salt": _text,
    "crc64": _text,
    "replaces": _text,
}
