"""Files that the user gave to the page."""

import asyncio
import binascii
import json

import js

from uploader.browser.interop import JsException, reason_of
from uploader.transfer.errors import FileUnreadable, ServerRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from uploader.transfer.ports import Piece

__all__ = [
    "BrowserFile",
    "bytes_of",
    "check_readable",
    "file_from_js",
    "files_from_js",
    "read",
    "unreadable",
]

ASKED_AT_ONCE = 20
NOT_LOADED = "NetworkError"  # of `importScripts`; no file is read over the network

CHANGED = "NotReadableError"
BROKEN_OFF = "I/O read operation failed"


class BrowserFile:
    """A JavaScript `File`; `blob` is what goes into a request, without passing through Python.

    `facts` is what `intake.js` says of it: name, folders, size, type, time of change, and why it
    cannot be read.
    """

    def __init__(self, blob: "Any", facts: "list[Any]") -> None:
        self.blob = blob  # never read here
        self.name: str = facts[0]
        self.path: str = facts[1]
        self.size: int = facts[2]
        self.content_type: str = facts[3]
        self.modified: int = facts[4]
        self.lost: str = facts[5]
        self.crc64 = ""  # of all of it, in decimal, once it has been read

    def slice(self, offset: int, size: int) -> "Any":
        """Return a part of the file as a Blob; the whole file is the file itself.

        Raises:
            FileUnreadable: the browser did not get it at all.
        """
        if self.lost:
            raise FileUnreadable(self.lost)
        if size == self.size:
            return self.blob
        return self.blob.slice(float(offset), float(offset + size), "")

    async def head(self) -> bytes:
        """Return the first bytes of the file, up to `HEAD_BYTES` of them.

        Of a small file all is read for it, and its CRC-64 is kept.

        Raises:
            FileUnreadable: the browser may not or cannot read it.
        """
        blob = self.slice(0, self.size)
        head, _, self.crc64 = (await read("look", blob, 0, self.size)).partition(" ")
        return binascii.unhexlify(head)


def file_from_js(blob: "Any") -> BrowserFile:
    """Return the file for a JavaScript `File`, or for a `Blob` to which a `name` was assigned."""
    return BrowserFile(blob, json.loads(js.ossferry.facts(blob)))


def files_from_js(files: "Any") -> "Iterator[BrowserFile]":
    """Yield the files of a JavaScript array. Some at a time are asked for their facts, as late as
    possible: for each the browser looks at the disk, while the page stands still.
    """
    for start in range(0, int(files.length), ASKED_AT_ONCE):
        facts = json.loads(js.ossferry.factsOf(files, start, start + ASKED_AT_ONCE))
        for index, each in enumerate(facts):
            yield BrowserFile(files[start + index], each)


def bytes_of(piece: "Piece") -> "Any":
    """Return a piece as a Blob, the same one each time: for a new one the page stands still until
    the browser's main process knows it.
    """
    if piece.cut is None:
        piece.cut = piece.file.slice(piece.offset, piece.size)
    return piece.cut


async def read(kind: str, blob: "Any", offset: int, size: int) -> str:
    """Let the worker read a piece of a file; `checksum_worker.js` says of what kinds.

    Whoever is cancelled while it waits stops the reading.

    Raises:
        FileUnreadable: the browser may not or cannot read it.
        ServerRefused: what computes checksums cannot be loaded.
    """
    reading = js.ossferry.checksum(kind, blob, float(offset), float(size))
    try:
        text = str(await reading.text)
    except asyncio.CancelledError:
        reading.stop()
        raise
    if text[:1] == "!" and NOT_LOADED in text:
        raise ServerRefused(0, detail=text[1:])
    if text[:1] == "!":
        raise unreadable(text[1:])
    return text


async def check_readable(piece: "Piece") -> None:
    """Read the first byte of a piece, to tell a vanished file from a lost connection.

    Raises:
        FileUnreadable: the browser may not or cannot read it.
    """
    wanted = min(1, piece.size)
    try:
        found = await piece.file.slice(piece.offset, wanted).arrayBuffer()
    except JsException as error:
        raise unreadable(reason_of(error))
    if found.byteLength < wanted:  # Firefox reads on in a file that has become shorter
        raise FileUnreadable("the file has become shorter", changed=True)


def unreadable(reason: str) -> FileUnreadable:
    """Return the error for what a browser says when it cannot read a file.

    Chromium has a `NotReadableError` for a file whose time of change is another than when it was
    chosen. WebKit has a `NotFoundError` for such a file, and for one that is gone; its
    `NotReadableError` means that the reading was broken off, as when it puts the page aside.
    """
    broken_off = BROKEN_OFF in reason
    return FileUnreadable(
        reason, changed=CHANGED in reason and not broken_off, broken_off=broken_off
    )
