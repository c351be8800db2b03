"""Uploads that another device has begun: gone on with here, if it is the very same file.

Of such a file only its key is known, so its bytes have to prove it: all that OSS has of it must
equal the file that a person chose. Before that nothing of it is touched, and it is no upload of
this page.
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

__all__ = ["Begun", "InOtherTab", "OtherFile", "claim", "go_on_with"]

ACTIVE_S = 300.0  # after its latest part another device may still be at it


class OtherFile(TransferError):
    """The chosen file is not the one of which OSS has parts."""


class InOtherTab(TransferError):
    """Another tab of this browser has taken the upload."""


class Begun:
    """One upload of `GET /api/unfinished`; times are seconds since 1970, by the server's clock.

    `part_size` is 0 where nothing tells it: there is too little to go on with.
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
        """Tell whether something of it has just arrived."""
        return now_s - self.last_at_s < ACTIVE_S


async def claim(begun: Begun, leftovers: "Leftovers") -> bool:
    """Take an upload for this tab, unless this browser is at it already."""
    if begun.upload_id in leftovers.journal.upload_ids:
        return False
    return await leftovers.engine.ports.tabs.take(begun.key)


async def go_on_with(
    begun: Begun, file: "File", leftovers: "Leftovers", on_change: "Callable[[Upload], None]"
) -> Upload:
    """Send what is missing of a file; `on_change` hears of each part that is proved.

    Raises:
        OtherFile: some part differs from it, or lies beyond its end; nothing was sent.
        InOtherTab: this browser is at it already.
        OSSError, TransferError: it cannot be found out.
    """
    record = _record(begun, file, leftovers)
    known = Upload(file, on_change)
    known.take_over(record)
    if not await claim(begun, leftovers):
        raise InOtherTab(begun.key)
    has_begun = False
    try:
        await _prove(known, leftovers)
        await leftovers.journal.begin(known)
        has_begun = True
    finally:
        if not has_begun:
            leftovers.journal.leave(begun.key)
    upload: Upload = leftovers.go_on(file, record.options, record)
    for number in known.parts:
        upload.land(number, known.parts[number])
    upload.adopted = False
    return upload


async def _prove(known: Upload, leftovers: "Leftovers") -> None:
    for stored in (await list_all(known, leftovers.engine)).values():
        part = await proved(known, leftovers.engine, stored)
        if not part:
            raise OtherFile(f"part {stored.number} of {known.key}")
        known.land(stored.number, part)


def _record(begun: Begun, file: "File", leftovers: "Leftovers") -> Checkpoint:
    owner = leftovers.journal.owner
    has_name_as_key = begun.key == named_key(owner, begun.name, path=begun.folders)
    return Checkpoint(
        owner=owner,
        name=file.name,
        path=file.path,
        size=file.size,
        modified=file.modified,
        key=begun.key,
        upload_id=begun.upload_id,
        part_size=begun.part_size,
        sent=0,
        saved_at_s=leftovers.engine.keeper.server_now_s(),
        page="",
        options=Options(same_name=REFUSE if has_name_as_key else KEEP_BOTH),
    )
