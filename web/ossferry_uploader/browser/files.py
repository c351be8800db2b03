"""Files that a person has added to the page or that are in memory, and functions to read them."""

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

FACTS_AT_ONCE = 20  # files
NOT_LOADED = "NetworkError"  # the checksum worker was not loaded; files are not read over a network

CANNOT_ENCRYPT = "!EncryptionError"
CHANGED = "NotReadableError"
BROKEN_OFF = "I/O read operation failed"


class BrowserFile:
    """A JavaScript `File` or `Blob`; implements `transfer.files.File`.

    The bytes of the file never enter Python's memory, except the first ones (see `head`).

    Args:
        blob: the JavaScript object, which is sent as the body of requests.
        facts: name, folders (such as `a/b`), size in bytes, content type, time of the last
            change in milliseconds since 1970, an error text, which is empty if the file can be
            read, and whether the file exists only in this page.
    """

    def __init__(self, blob: "Any", facts: "tuple[str, str, int, str, int, str, bool]") -> None:
        self.blob = blob
        self.name: str = facts[0]
        self.path: str = facts[1]
        self.size: int = facts[2]
        self.content_type: str = facts[3]
        self.modified: int = facts[4]
        self.lost: str = facts[5]
        self.crc64 = ""  # decimal, of the whole file, if `head` has read all of it
        self.is_lasting = not facts[6]

    def slice(self, offset: int, size: int) -> "Any":
        """Return the bytes `[offset, offset + size)` of the file as a JavaScript `Blob`.

        If the range is the whole file, the result is the attribute `blob` itself.

        Raises:
            FileUnreadable: the browser could not open the file when a person added it.
        """
        if self.lost:
            raise FileUnreadable(self.lost)
        if size == self.size:
            return self.blob
        return self.blob.slice(float(offset), float(offset + size), "")

    async def head(self) -> bytes:
        """Return the first 32 bytes of the file, or all bytes of a shorter file.

        If the file has at most 64 KiB, read the whole file, and set the attribute `crc64` to its
        CRC-64 as decimal text.

        Raises:
            FileUnreadable: the browser cannot read the file, or is not allowed to.
            ServerRefused: the script of the worker that reads files could not be loaded.
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
    """Return a `BrowserFile` that contains a copy of bytes in memory.

    Args:
        data: `bytes`, or another object with the buffer protocol.
        path: the folders of the file, such as `a/b`.

    Raises:
        TypeError: `data` does not support the buffer protocol.
    """
    return file_from_blob(blob_of(data), name, path=path, content_type=content_type)


def file_from_blob(
    blob: "Any", name: str, *, path: str = "", content_type: str = ""
) -> BrowserFile:
    """Return a `BrowserFile` for a JavaScript `Blob`.

    The file exists only in this page, so an upload of it cannot continue after a reload.

    Args:
        path: the folders of the file, such as `a/b`.
    """
    return BrowserFile(blob, (name, path, wide(blob, "size"), content_type, 0, "", True))


def files_from_js(files: "Any") -> "Iterator[BrowserFile]":
    """Yield a `BrowserFile` for each file of a JavaScript array.

    The browser reads the names, sizes and times of change from the disk, and blocks the page
    meanwhile. Therefore it reads them for groups of `FACTS_AT_ONCE` files: for each group just
    before the first file of the group is yielded.
    """
    for start in range(0, int(files.length), FACTS_AT_ONCE):
        facts = json.loads(js.ossferry.factsOf(files, start, start + FACTS_AT_ONCE))
        for index, about in enumerate(facts):
            yield BrowserFile(files[start + index], about)


def bytes_of(piece: "Piece") -> "Any":
    """Return the bytes of a piece of a file as a JavaScript `Blob`.

    If `EncryptionWorker` has encrypted the piece, the result is the JavaScript object that holds
    the encrypted `Blob`.

    The result is kept in `piece.cut` for later calls, because creating a `Blob` blocks the page
    until the browser's main process has registered the `Blob`.
    """
    if piece.cut is None:
        piece.cut = piece.file.slice(piece.offset, piece.size)
    return piece.cut


async def read(kind: str, blob: "Any", offset: int, size: int) -> str:
    """Let the checksum worker read `size` bytes of a `Blob` from `offset`, and return its result.

    The result is a text with a checksum; for the operation `look`, it also contains the first
    bytes.

    If the calling task is cancelled, the worker stops reading.

    Args:
        kind: the operation `crc64`, `sha256` or `look`; `checksum_worker.js` describes the results.

    Raises:
        FileUnreadable: the browser cannot read the `Blob`, or is not allowed to.
        ServerRefused: the worker's script could not be loaded.
    """
    return await result_of(js.ossferry.checksum(kind, blob, float(offset), float(size)))


async def result_of(reading: "Any") -> str:
    """Wait until a worker has read a file, and return the worker's result as text.

    The text is as the function `read` describes; for `ossferry.encrypt`, it is the CRC-64 of the
    encrypted bytes in decimal. If the calling task is cancelled, the worker stops.

    Args:
        reading: the JavaScript object that `ossferry.checksum` or `ossferry.encrypt` returned.

    Raises:
        FileUnreadable: the browser cannot read the file, or is not allowed to.
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
    """Check that the browser can read the first byte of a piece of a file.

    Call this after a request that got no reply, to tell an unreadable file from a lost connection.

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
    """Return a `FileUnreadable` error for a JavaScript exception from reading a file.

    Its attribute `changed` tells whether the file has changed, and `broken_off` whether a retry can
    succeed. In Chromium a `NotReadableError` means that the file was changed after a person chose
    it. In WebKit a changed or missing file causes a `NotFoundError`; a `NotReadableError` means
    that the reading was interrupted, for example because the page was suspended.

    Args:
        reason: the text of the exception.
    """
    broken_off = BROKEN_OFF in reason
    return FileUnreadable(
        reason, changed=CHANGED in reason and not broken_off, broken_off=broken_off
    )
