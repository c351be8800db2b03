"""Continue an upload that another device has started.

This browser knows the object key of the upload, but does not have the file, so the person has to
choose it. First, the file is compared with all parts that OSS has. Only if all these parts are
equal, the missing parts are sent.
"""

from ossferry_uploader.oss.keys import named_key
from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import TransferError
from ossferry_uploader.transfer.journal.checkpoint import Checkpoint, restore
from ossferry_uploader.transfer.options import KEEP_BOTH, REFUSE, Options
from ossferry_uploader.transfer.sending.client import Client
from ossferry_uploader.transfer.sending.multipart import begin, proved, without_overlaps
from ossferry_uploader.transfer.upload import Upload
from upload_page.receipts.stored_objects import folders_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.resuming.unfinished import UnfinishedUploads

ACTIVE_S = 300.0  # since the latest part; another device may still be sending


class DifferentFile(TransferError):
    """Raised if the file that the person chose differs from the parts that OSS has."""


class InOtherTab(TransferError):
    """Raised if this browser, perhaps in another tab, is already working on the upload."""


class RemoteUpload:
    """One unfinished upload of this person that another device has started.

    Args:
        document: one of the `uploads` in the server's response to `GET /api/unfinished`.

    Attributes:
        folders: the folders of the file, such as `a/b`; may be empty.
        size: the number of bytes that OSS already has.
        part_size: the size of a part in bytes; 0 if OSS does not have the first part, so that the
            upload cannot be continued.
        began_at_s: when the upload began, in seconds since 1970 by the server's clock.
        last_at_s: when OSS received the latest part, by the same clock; `began_at_s` if OSS has no
            part.
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
        """Tell whether the other device may still be sending.

        This is assumed if OSS received a part, or the upload began, less than `ACTIVE_S` seconds
        before `now_s`.
        """
        return now_s - self.last_at_s < ACTIVE_S


async def claim(remote: RemoteUpload, uploads: "UnfinishedUploads") -> bool:
    """Lock another device's upload in this browser, so that only this tab works on it.

    The lock does not stop the other device.

    Returns:
        `True` if this tab now has the lock; `False` if this browser, perhaps in another tab, is
        already working on the upload.
    """
    if remote.upload_id in uploads.journal.upload_ids:
        return False
    return await uploads.engine.ports.tabs.take(remote.key)


async def continue_upload(
    remote: RemoteUpload,
    file: "File",
    uploads: "UnfinishedUploads",
    on_change: "Callable[[Upload], None]",
) -> Upload:
    """Compare a file with the parts of another device's upload, and send the missing parts.

    Args:
        remote: the upload of the other device.
        file: the file that the person has chosen.
        uploads: the `UnfinishedUploads` object of this page; it adds the new upload to the queue.
        on_change: called after each part that equals the file's bytes, with an `Upload` that shows
            the progress of the comparison.

    Returns:
        The new upload in the queue, which sends the missing parts.

    Raises:
        DifferentFile: a part differs from the file or is beyond the end of the file; nothing was
            sent.
        InOtherTab: this browser, perhaps in another tab, is already working on the upload.
        OSSError, TransferError: the file cannot be read, or OSS did not list the parts.
    """
    record = _record(remote, file, uploads)
    known = Upload(file, on_change)
    restore(known, record)
    if not await claim(remote, uploads):
        raise InOtherTab(remote.key)
    has_begun = False
    try:
        oss = Client(uploads.engine, known)
        await _prove(oss)
        await begin(oss)
        has_begun = True
    finally:
        if not has_begun:
            uploads.journal.unlock(remote.key)
    upload: Upload = uploads.go_on(file, record.options, record)
    for number in known.progress.parts:
        upload.progress.land(number, known.progress.parts[number])
    upload.progress.is_unproved = False
    return upload


async def _prove(oss: Client) -> None:
    known = oss.upload
    for stored in without_overlaps(await oss.parts(), known.progress.part_size):
        part = await proved(oss, stored)
        if not part:
            raise DifferentFile(f"part {stored.number} of {known.key}")
        known.progress.land(stored.number, part)


def _record(remote: RemoteUpload, file: "File", uploads: "UnfinishedUploads") -> Checkpoint:
    owner = uploads.journal.owner
    has_name_as_key = remote.key == named_key(owner, remote.name, path=remote.folders)
    return Checkpoint(
        owner=owner,
        name=file.name,
        path=file.path,
        size=file.size,
        modified=file.modified,
        key=remote.key,
        upload_id=remote.upload_id,
        part_size=remote.part_size,
        sent=0,
        saved_at_s=uploads.engine.keeper.server_now_s(),
        page="",
        options=Options(same_name=REFUSE if has_name_as_key else KEEP_BOTH),
    )
