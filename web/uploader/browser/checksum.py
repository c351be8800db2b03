"""CRC-64 of pieces of files, computed by hash-wasm in a worker (`crc64.js`)."""

import asyncio

import js
from pyscript.ffi import create_proxy, to_js

from uploader.transfer.errors import FileUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploader.transfer.ports import Piece

__all__ = ["ChecksumWorker"]


class _Answer:
    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.crc64 = ""
        self.error = ""


class ChecksumWorker:
    """The engine's `Checksum` port. The worker starts with the first file and stays."""

    def __init__(self, script_url: str) -> None:
        self._script_url = script_url
        self._worker: Any = None
        self._asked: dict[int, _Answer] = {}
        self._next = 0

    async def crc64(self, piece: "Piece") -> int:
        """Return the CRC-64 of a piece.

        Raises:
            FileUnreadable: the piece could not be read to its end.
        """
        if self._worker is None:
            self._start()
        self._next += 1
        number = self._next
        answer = self._asked[number] = _Answer()
        blob = piece.file.slice(piece.offset, piece.size)
        self._worker.postMessage(to_js({"id": number, "blob": blob}))
        try:
            await answer.done.wait()
        finally:
            self._asked.pop(number, None)
        if answer.error:
            raise FileUnreadable(answer.error)
        return int(answer.crc64)

    def _start(self) -> None:
        self._worker = js.Worker.new(self._script_url)
        self._worker.onmessage = create_proxy(self._receive)
        self._worker.onerror = create_proxy(self._fail)

    def _receive(self, event: "Any") -> None:
        answer = self._asked.get(event.data.id)
        if answer is None:
            return  # the upload was cancelled meanwhile
        answer.crc64 = getattr(event.data, "crc64", None) or ""
        answer.error = getattr(event.data, "error", None) or ""
        answer.done.set()

    def _fail(self, event: "Any") -> None:
        """The worker itself broke: tell all who wait, and start a new one next time."""
        self._worker = None
        for answer in list(self._asked.values()):
            answer.error = f"checksum worker: {getattr(event, 'message', None) or 'not loaded'}"
            answer.done.set()
