"""One upload: a file on its way, what is known about it, and how it is sent."""

import asyncio

from uploader.oss.errors import RENEW_CREDENTIALS, SET_CLOCK, Corrupt, Refused
from uploader.oss.keys import object_key
from uploader.oss.replies import Stored, read_stored
from uploader.oss.requests import put_object
from uploader.transfer import states
from uploader.transfer.errors import FileTooLarge, FileUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.transfer.credentials import GrantKeeper
    from uploader.transfer.ports import File, Ports

__all__ = ["MAX_PUT_BYTES", "Upload", "send"]

MAX_PUT_BYTES = 5 * 1024**3  # PutObject; Source: OSS limits


class Upload:
    """A file and its state. `on_change(upload)` is called after every change."""

    def __init__(self, file: "File", on_change: "Callable[[Upload], None]") -> None:
        self.file = file
        self.state = states.WAITING
        self.sent = 0  # bytes
        self.key = ""
        self.crc64 = ""  # confirmed by OSS, decimal text
        self.request_id = ""
        self.error: Exception | None = None
        self._on_change = on_change

    def go(self, to: str) -> None:
        """Move to another state."""
        self.state = states.move(self.state, to)
        self._on_change(self)

    def fail(self, error: Exception) -> None:
        """Move to `failed` because of `error`."""
        self.error = error
        self.go(states.FAILED)

    def restart(self) -> None:
        """Go back to `waiting`; the key stays, so that nothing is ever stored twice."""
        self.error = None
        self.sent = 0
        self.go(states.WAITING)

    def progress(self, sent: int) -> None:
        """Note that `sent` bytes of the file have left."""
        self.sent = min(sent, self.file.size)
        self._on_change(self)


async def send(upload: Upload, ports: "Ports", keeper: "GrantKeeper") -> None:
    """Carry the file to OSS and prove that it arrived; the upload ends `done`.

    Raises:
        OSSError, TransferError: it did not arrive, or is not proved to be whole.
    """
    upload.go(states.UPLOADING)
    checksum = asyncio.create_task(_checksum(upload, ports))
    try:
        stored = await _put(upload, ports, keeper)
        upload.progress(upload.file.size)
        upload.go(states.VERIFYING)
        crc64, unreadable = await checksum
    finally:
        checksum.cancel()
    if unreadable:
        raise unreadable
    if crc64 != stored.crc64:
        raise Corrupt("CRC-64", expected=crc64, actual=stored.crc64, request_id=stored.request_id)
    upload.crc64 = stored.crc64
    upload.request_id = stored.request_id
    upload.go(states.DONE)


async def _checksum(upload: Upload, ports: "Ports") -> "tuple[str, FileUnreadable | None]":
    """Return the CRC-64, or why there is none: the answer may never be asked for."""
    try:
        return await ports.checksum.crc64(upload.file), None
    except FileUnreadable as error:
        return "", error


async def _put(upload: Upload, ports: "Ports", keeper: "GrantKeeper") -> "Stored":
    """Send PutObject; mend credentials and clock at most once each."""
    repaired: list[str] = []
    while True:
        grant = await keeper.get()
        limit = min(grant.max_file_size, MAX_PUT_BYTES)
        if upload.file.size > limit:
            raise FileTooLarge(upload.file.size, limit)
        now_s = keeper.server_now_s()
        if not upload.key:
            upload.key = object_key(
                grant.prefix,
                upload.file.name,
                at_s=now_s,
                random_hex=ports.random.hex(16),
                path=upload.file.path,
            )
        request = put_object(
            grant.credentials,
            grant.bucket,
            upload.key,
            at_s=now_s,
            content_type=upload.file.content_type,
            name=upload.file.name,
        )
        try:
            return read_stored(await ports.http.send(request, upload.file, upload.progress))
        except Refused as error:
            if not error.repair or error.repair in repaired:
                raise
            repaired.append(error.repair)
            if error.repair == RENEW_CREDENTIALS:
                keeper.discard(grant)
            elif error.repair == SET_CLOCK and error.server_time_s is not None:
                keeper.set_server_time(error.server_time_s)
