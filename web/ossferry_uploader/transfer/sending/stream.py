"""Send a stream of unknown length in parts.

A stream can be read only once. So each part stays in memory until OSS has it. After a pause or a
failure the upload can continue in the same page, but not after a reload.

The part size grows with the stream, so that 10,000 parts are enough for 520 GB.
"""

import asyncio

from ossferry_uploader.oss.errors import Refused
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileTooLarge, FileUnreadable, KeyTaken, StreamSpent
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.pacing.task_group import run_all
from ossferry_uploader.transfer.plan import DEFAULT_PART_BYTES, MAX_PARTS
from ossferry_uploader.transfer.sending.client import GONE, Client
from ossferry_uploader.transfer.sending.multipart import complete, finished_before, initiate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.oss.replies import Stored
    from ossferry_uploader.transfer.files import File, Source

PARALLEL_PARTS = 4
PARTS_OF_A_SIZE = 2_000  # then the part size doubles


def part_bytes(number: int, first: int = DEFAULT_PART_BYTES) -> int:
    """Return the size in bytes of part `number` of a stream; the last part may be smaller.

    Args:
        first: the size in bytes of the first part.
    """
    return first << ((number - 1) // PARTS_OF_A_SIZE)


def part_offset(number: int, first: int = DEFAULT_PART_BYTES) -> int:
    """Return the offset in bytes of part `number` in the object; `first` is as in `part_bytes`."""
    doublings, rest = divmod(number - 1, PARTS_OF_A_SIZE)
    return first * (PARTS_OF_A_SIZE * ((1 << doublings) - 1) + (rest << doublings))


class Stream:
    """A `File` whose bytes are read from a `Source` of unknown length, part by part.

    If a call of the method `read` is cancelled, no bytes are lost.

    Attributes:
        size: the number of bytes read from the source so far.
        is_open: `True` until the source has ended.
        part_size: the size of the first part in bytes; it may be changed before the first read.
        parts: the parts that OSS does not have yet, by part number. Each part is a `File` in
            memory.
    """

    is_stream = True
    is_lasting = False

    def __init__(
        self, source: "Source", name: str, *, path: str = "", content_type: str = ""
    ) -> None:
        self.name = name
        self.path = path
        self.size = 0
        self.content_type = content_type
        self.modified = 0
        self.crc64 = ""
        self.is_open = True
        self.part_size = DEFAULT_PART_BYTES
        self.parts: dict[int, File] = {}
        self._source = source
        self._count = 0
        self._error: Exception | None = None
        self._reading: asyncio.Event | None = None

    async def head(self) -> bytes:
        """Return the first bytes of the stream, at most `sniff.HEAD_BYTES`.

        If nothing was read yet, read the first part from the source. The result is empty if the
        first part is no longer in memory.

        Raises:
            StreamSpent: reading the source has failed.
        """
        if not self._count and self.is_open:
            await self.read()
        return await self.parts[1].head() if 1 in self.parts else b""

    async def read(self) -> bool:
        """Read the next part from the source into the attribute `parts`.

        If a read is already in progress, wait for the end of that read instead.

        Returns:
            `False` if the source had already ended before the call, so that there is no new part.

        Raises:
            StreamSpent: reading the source has failed.
        """
        may_have_more = self.is_open
        if not self._reading and self.is_open and not self._error:
            self._reading = asyncio.Event()
            asyncio.create_task(self._read(self._reading))  # noqa: RUF006 - it ends by itself
        if self._reading:
            await self._reading.wait()
        if self._error:
            raise self._error
        return may_have_more

    def is_whole(self) -> bool:
        """Return whether all parts that were read are still in memory."""
        return len(self.parts) == self._count

    def whole(self) -> "File | None":
        """Return the stream as one file in memory, if it has ended and has a single part.

        Otherwise return `None`.
        """
        return self.parts.get(1) if not self.is_open and self._count == 1 else None

    async def _read(self, done: asyncio.Event) -> None:
        wanted = part_bytes(self._count + 1, self.part_size)
        try:
            part: Any = await self._source.read(wanted)
            self.is_open = part.size == wanted
            if part.size or not self._count:
                self._count += 1
                self.parts[self._count] = part
                self.size += part.size
        except FileUnreadable as error:
            self._error = StreamSpent(error.reason)
        except Exception as error:  # raised in `read`
            self._error = error
        self._reading = None
        done.set()


async def send_stream(oss: "Client", stream: Stream) -> "Stored | None":
    """Send a stream in parts until it ends, and complete the multipart upload.

    Args:
        oss: the client of the upload.

    Returns:
        ETag, CRC-64 and request id of the object. `None` if the stream has only one part; then
        nothing is sent, and `upload.file` is now an ordinary file with all bytes of the stream.

    Raises:
        OSSError, TransferError: the stream was not stored, or its checksum could not be confirmed.
    """
    upload = oss.upload
    await stream.head()
    whole = stream.whole()
    if whole and not upload.upload_id:
        whole.name, whole.path, whole.content_type = stream.name, stream.path, stream.content_type
        upload.use(whole)
        return None
    if not upload.upload_id:
        if not stream.is_whole():
            raise StreamSpent("what was sent of it has been removed")
        upload.progress.part_size = stream.part_size
        await initiate(oss)
    try:
        await _drain(oss, stream)
        upload.go(states.VERIFYING)
        return await complete(oss)
    except (FileTooLarge, StreamSpent):
        await oss.abort()
        raise
    except Refused as error:
        if error.code != GONE:
            raise
        return await _ended_elsewhere(oss, error)


async def _ended_elsewhere(oss: "Client", error: Refused) -> "Stored":
    reason = str(error)
    try:
        stored = await finished_before(oss)
    except KeyTaken as taken:
        stored, reason = None, str(taken)
    if not stored:
        oss.upload.clear_parts()
        raise StreamSpent(reason)
    return stored


async def _drain(oss: "Client", stream: Stream) -> None:
    """Send the parts in memory, then read and send the rest of the stream.

    Raises:
        FileTooLarge: the stream is larger than the grant or the number of parts allows.
    """
    limits = (await oss.grant()).limits
    under_way: set[int] = set()

    async def worker() -> None:
        while True:
            waiting = [number for number in stream.parts if number not in under_way]
            number = min(waiting) if waiting else 0
            if stream.size > limits.max_file_size or number > MAX_PARTS:
                raise FileTooLarge(stream.size, limits.max_file_size)
            if not number:
                if await stream.read():
                    continue
                return
            under_way.add(number)
            part = stream.parts[number]
            piece = Piece(part, 0, part.size, at=part_offset(number, stream.part_size))
            await oss.part(number, piece)
            del stream.parts[number]

    await run_all([worker] * PARALLEL_PARTS)
