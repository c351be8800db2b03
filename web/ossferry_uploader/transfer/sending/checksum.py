"""Compute the CRC-64 of a piece (byte range) of a file while the piece is sent."""

import asyncio

from ossferry_uploader.oss.errors import Corrupt
from ossferry_uploader.transfer.errors import FileUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ossferry_uploader.oss.replies import Stored
    from ossferry_uploader.transfer.files import Piece


class PieceChecksum:
    """Computes the CRC-64 of one piece of a file in the background.

    If the piece is the whole file, and the CRC-64 of the file is known, the file is not read again.

    An encrypted piece is not read here, because its encryption also computes the CRC-64.

    If the file cannot be read, this class ends the request that sends the piece, because Firefox
    and WebKit would keep the request open and send nothing.

    Call `start` to start the computation, and `cancel` when the checksum is no longer needed.
    """

    def __init__(
        self,
        piece: "Piece",
        compute: "Callable[[Piece], Awaitable[int]]",
        *,
        is_encrypted: bool = False,
    ) -> None:
        self._compute = compute
        self._piece = piece
        self._is_encrypted = is_encrypted
        self._done = asyncio.Event()
        self._value = 0
        self._error: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        if piece.file.crc64 and piece.size == piece.file.size and not is_encrypted:
            self._value = int(piece.file.crc64)
            self._done.set()

    def start(self) -> None:
        """Start the computation, unless it has started or the CRC-64 is already known."""
        if not (self._task or self._done.is_set() or self._is_encrypted):
            self._task = asyncio.create_task(self._run())

    async def get(self) -> int:
        """Wait for the CRC-64 of the piece, and return it; start the computation if necessary.

        Raises:
            FileUnreadable: the file could not be read.
        """
        if self._is_encrypted:
            return int(self._piece.crc64 or await self._compute(self._piece))
        self.start()
        await self._done.wait()
        if self._error:
            raise self._error
        return self._value

    async def check(self, stored: "Stored") -> None:
        """Compare the computed CRC-64 with the CRC-64 in OSS's reply.

        Args:
            stored: the values in OSS's reply to the request that sent the piece.

        Raises:
            Corrupt: the two values differ.
            FileUnreadable: the file could not be read.
        """
        check_crc64(await self.get(), stored)

    def cancel(self) -> None:
        """Stop the computation, because nobody needs the result."""
        if self._task:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            self._value = await self._compute(self._piece)
        except Exception as error:  # raised again in `get`
            self._error = error
            if isinstance(error, FileUnreadable) and self._piece.give_up:
                self._piece.give_up()
        self._done.set()


def check_crc64(crc64: int, stored: "Stored") -> None:
    """Compare the CRC-64 of a file, or of a piece of a file, with the CRC-64 in OSS's reply.

    Args:
        stored: the values in OSS's reply.

    Raises:
        Corrupt: the two values differ.
    """
    if str(crc64) != stored.crc64:
        raise Corrupt(
            "CRC-64",
            expected=str(crc64),
            actual=stored.crc64,
            request_id=stored.request_id,
            is_mismatch=True,
        )
