"""Continues an upload of another device in this browser.

Only the key of such an upload is known. The file that a person chooses must therefore contain all
parts that OSS already has, byte for byte. Until this is proved nothing is sent or changed.
"""

from uploader.dialogs.stored_objects import folders_of
from uploader.oss.keys import named_key
from uploader.oss.times import from_iso
from uploader.transfer.errors import TransferError
from uploader.transfer.options import KEEP_BOTH, REFUSE, Options
from uploader.transfer.resuming.checkpoint import Checkpoint
from uploader.transfer.sending.parts import list_all, proved
from uploader.transfer.upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploader.transfer.ports import File
    from uploader.transfer.resuming.leftovers import Leftovers

__all__ = ["DifferentFile", "InOtherTab", "UnfinishedUpload", "claim", "continue_upload"]

ACTIVE_S = 300.0  # after its latest part; another device may still be sending


class DifferentFile(TransferError):
    """The chosen file differs from the parts that OSS has."""


class InOtherTab(TransferError):
    """Another tab of this browser works on the upload."""


class UnfinishedUpload:
    """One upload of `GET /api/unfinished`; times are seconds since 1970, by the server's clock.

    `part_size` is 0 if OSS has too few parts to tell it; such an upload cannot be continued.
    """

    def __init__(self, document: "dict[str, Any]") -> None:
        self.key: str = document["key"]
        self.name: str = document["name"]
        self.folders = folders_of(self.key)
        self.upload_id: str = document["upload_id"]
        self.size = int(document["size"])
        self.part_size = int(document["part_size"] or 0)
        self.began_at_s = from_iso(document["began_at"])
        self.last_at_s = from_iso(document["last_at"])

    def is_active(self, now_s: float) -> bool:
        """Tell whether a part of it arrived less than `ACTIVE_S` seconds ago."""
        return now_s - self.last_at_s < ACTIVE_S


async def claim(unfinished: UnfinishedUpload, leftovers: "Leftovers") -> bool:
    """Lock an upload for this tab; return False if this browser already works on it."""
    if unfinished.upload_id in leftovers.journal.upload_ids:
        return False
    return await leftovers.engine.ports.tabs.take(unfinished.key)


async def continue_upload(
    unfinished: UnfinishedUpload,
    file: "File",
    leftovers: "Leftovers",
    on_change: "Callable[[Upload], None]",
) -> Upload:
    """Send the missing parts of a file; `on_change` is called for each part that is proved.

    Raises:
        DifferentFile: a part differs from the file or is beyond its end; nothing was sent.
        InOtherTab: this browser already works on the upload.
        OSSError, TransferError: the parts cannot be compared.
    """
    record = _record(unfinished, file, leftovers)
    known = Upload(file, on_change)
    known.take_over(record)
    if not await claim(unfinished, leftovers):
        raise InOtherTab(unfinished.key)
    has_begun = False
    try:
        await _prove(known, leftovers)
        await leftovers.journal.begin(known)
        has_begun = True
    finally:
        if not has_begun:
            leftovers.journal.leave(unfinished.key)
    upload: Upload = leftovers.go_on(file, record.options, record)
    for number in known.parts:
        upload.land(number, known.parts[number])
    upload.adopted = False
    return upload


async def _prove(known: Upload, leftovers: "Leftovers") -> None:
    for stored in (await list_all(known, leftovers.engine)).values():
        part = await proved(known, leftovers.engine, stored)
        if not part:
            raise DifferentFile(f"part {stored.number} of {known.key}")
        known.land(stored.number, part)


def _record(unfinished: UnfinishedUpload, file: "File", leftovers: "Leftovers") -> Checkpoint:
    owner = leftovers.journal.owner
    has_name_as_key = unfinished.key == named_key(owner, unfinished.name, path=unfinished.folders)
    return Checkpoint(
        owner=owner,
        name=file.name,
        path=file.path,
        size=file.size,
        modified=file.modified,
        key=unfinished.key,
        upload_id=unfinished.upload_id,
        part_size=unfinished.part_size,
        sent=0,
        saved_at_s=leftovers.engine.keeper.server_now_s(),
        page="",
        options=Options(same_name=REFUSE if has_name_as_key else KEEP_BOTH),
    )
