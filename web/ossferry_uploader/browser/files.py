"""Files that a person has added to the page, and functions that read them."""

import asyncio
import binascii
import json

import js

from ossferry_uploader.browser.interop import JsException, blob_of, reason_of, wide
from ossferry_uploader.transfer.errors import CannotEncrypt, FileUnreadable, ServerRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ossferry_uploader.transfer.files import Piece

__all__ = [
    "BrowserFile",
    "bytes_of",
    "check_readable",
    "file_from_blob",
    "file_from_bytes",
    "file_from_js",
    "files_from_js",
    "read",
    "result_of",
    "unreadable",
]

FACTS_AT_ONCE = 20  # files
NOT_LOADED = "NetworkError"  # the checksum worker was not loaded; files are not read over a network

CANNOT_ENCRYPT = "!EncryptionError"
CHANGED = "NotReadableError"
BROKEN_OFF = "I/O read operation failed"


class BrowserFile:
    """A JavaScript `File` or `Blob`; implements the engine's interface `File`.

    The bytes of the file never pass through Python.

    Args:
        blob: the JavaScript object, which is sent as the body of requests.
        facts: a list from `intake.js`: name, folders, size in bytes, content type, time of the last
            change in milliseconds since 1970, and an error, which is empty for a readable file.
    """

    def __init__(self, blob: "Any", facts: "list[Any]") -> None:
        self.blob = blob
        self.name: str = facts[0]
        self.path: str = facts[1]
        self.size: int = facts[2]
        self.content_type: str = facts[3]
        self.modified: int = facts[4]
        self.lost: str = facts[5]
        self.crc64 = ""  # decimal, of the whole file, if `head` has read all of it
        self.is_lasting = True

    def slice(self, offset: int, size: int) -> "Any":
        """Return `size` bytes from `offset` as a `Blob`.

        For the whole file, the result is `blob` itself.

        Raises:
            FileUnreadable: the browser could not open the added file.
        """
        if self.lost:
            raise FileUnreadable(self.lost)
        if size == self.size:
            return self.blob
        return self.blob.slice(float(offset), float(offset + size), "")

    async def head(self) -> bytes:
        """Return the first 32 bytes of the file, or all bytes if the file is shorter.

        If the file has at most 64 KiB, the whole file is read and `crc64` is set.

        Raises:
            FileUnreadable: the browser cannot read the file, or is not allowed to.
            ServerRefused: the worker's script could not be loaded.
        """
        blob = self.slice(0, self.size)
        head, _, self.crc64 = (await read("look", blob, 0, self.size)).partition(" ")
        return binascii.unhexlify(head)


def file_from_js(blob: "Any") -> BrowserFile:
    """Return a `BrowserFile` for a JavaScript `File`, or for a `Blob` with a `name` property."""
    return BrowserFile(blob, json.loads(js.ossferry.facts(blob)))


def file_from_bytes(
    data: "Any", name: str, *, path: str = "", content_type: str = ""
) -> BrowserFile:
    """Return a `BrowserFile` for bytes in memory. The bytes are copied.

    Args:
        data: `bytes`, or another object with the buffer protocol.
        path: the folders of the file, such as `a/b`.

    Raises:
        TypeError: `data` has no bytes.
    """
    return file_from_blob(blob_of(data), name, path=path, content_type=content_type)


def file_from_blob(
    blob: "Any", name: str, *, path: str = "", content_type: str = ""
) -> BrowserFile:
    """Return a `BrowserFile` for a JavaScript `Blob`. After a reload it cannot be read again."""
    file = BrowserFile(blob, [name, path, wide(blob, "size"), content_type, 0, ""])
    file.is_lasting = False
    return file


def files_from_js(files: "Any") -> "Iterator[BrowserFile]":
    """Yield a `BrowserFile` for each file of a JavaScript array.

    Names, sizes and times are read for a few files at a time, and only when they are needed. The
    browser reads these facts from the disk and blocks the page meanwhile.
    """
    for start in range(0, int(files.length), FACTS_AT_ONCE):
        facts = json.loads(js.ossferry.factsOf(files, start, start + FACTS_AT_ONCE))
        for index, about in enumerate(facts):
            yield BrowserFile(files[start + index], about)


def bytes_of(piece: "Piece") -> "Any":
    """Return the bytes of a piece as a `Blob`; later calls return the same object.

    For an encrypted piece, the result is the JavaScript object that holds the encrypted `Blob`.

    The creation of a `Blob` blocks the page until the browser's main process has registered the
    `Blob`.
    """
    if piece.cut is None:
        piece.cut = piece.file.slice(piece.offset, piece.size)
    return piece.cut


async def read(kind: str, blob: "Any", offset: int, size: int) -> str:
    """Let the checksum worker read a range of a blob, and return the worker's result as text.

    The result is a checksum; for the operation `look` it also contains the first bytes.

    If the calling task is cancelled, the worker stops reading.

    Args:
        kind: the operation `crc64`, `sha256` or `look`; `checksum_worker.js` describes the results.

    Raises:
        FileUnreadable: the browser cannot read the blob, or is not allowed to.
        ServerRefused: the worker's script could not be loaded.
    """
    return await result_of(js.ossferry.checksum(kind, blob, float(offset), float(size)))


async def result_of(reading: "Any") -> str:
    """Wait for the worker's result, a text. If the calling task is cancelled, the worker stops.

    Args:
        reading: the answer of `ossferry.checksum` or `ossferry.encrypt` in JavaScript.

    Raises:
        FileUnreadable: the browser cannot read the blob, or is not allowed to.
        CannotEncrypt: the browser cannot encrypt in this page.
        ServerRefused: the worker's script could not be loaded.
    """
    try:
        text = str(await reading.text)
    except asyncio.CancelledError:
        reading.stop()
        raise
    if text[:1] == "!" and NOT_LOADED in text:
        raise ServerRefused(0, detail=text[1:])
    if text.startswith(CANNOT_ENCRYPT):
        raise CannotEncrypt(text[1:])
    if text[:1] == "!":
        raise unreadable(text[1:])
    return text


async def check_readable(piece: "Piece") -> None:
    """Check that the browser can read the first byte of a piece.

    After a request without a reply, this distinguishes an unreadable file from a lost connection.

    Raises:
        FileUnreadable: the browser cannot read the piece, or is not allowed to.
    """
    wanted = min(1, piece.size)
    try:
        if piece.crc64:
            blob = piece.cut.encrypted.slice(0, wanted)  # of the bytes that were to be sent
        else:
            blob = piece.file.slice(piece.offset, wanted)
        content = await blob.arrayBuffer()
    except JsException as error:
        raise unreadable(reason_of(error))
    if content.byteLength < wanted:  # Firefox reads a truncated file without an error
        raise FileUnreadable("the file has become shorter", changed=True)


def unreadable(reason: str) -> FileUnreadable:
    """Return a `FileUnreadable` for a JavaScript exception that occurred while a file was read.

    In Chromium a `NotReadableError` means that the file was changed after a person chose it. In
    WebKit a changed or missing file causes a `NotFoundError`; a `NotReadableError` means that the
    reading was interrupted, for example because the page was suspended.

    Args:
        reason: the text of the exception.
    """
    broken_off = BROKEN_OFF in reason
    return FileUnreadable(
        reason, changed=CHANGED in reason and not broken_off, broken_off=broken_off
    )
