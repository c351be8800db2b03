"""Convert the data that a program uploads into files that the engine can send."""

import js

from ossferry_uploader.browser.files import (
    BrowserFile,
    file_from_blob,
    file_from_bytes,
    file_from_js,
)
from ossferry_uploader.browser.interop import blob_of, to_js
from ossferry_uploader.browser.streams import file_from_stream
from ossferry_uploader.transfer.errors import FileUnreadable
from ossferry_uploader.transfer.sending.sniff import HEAD_BYTES
from ossferry_uploader.transfer.sending.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.transfer.files import File, Source

READ_BYTES = 4 << 20  # at most in one call of `read`
WANTED = (
    "bytes, a file that is open for reading bytes, a pathlib.Path, an async iterator of bytes, or a"
    " JavaScript File, Blob, ArrayBuffer, typed array or ReadableStream"
)


def file_of(name: str, data: "Any", *, path: str = "", content_type: str = "") -> "File":
    """Return `data` as a file that `Queue.add` takes.

    Args:
        name: the name that the file gets.
        data: `bytes`, a file that is open for reading bytes, a `pathlib.Path`, an async iterator of
            bytes, or a JavaScript object; see `Uploads.put`.
        path: the folders of the file, such as `a/b`.

    Raises:
        TypeError: `data` has another type, such as text.
        OSError: `data` is the path of a file that does not exist or cannot be read.
    """
    if isinstance(data, str):
        raise TypeError(f"{name!r} is text; upload text.encode(), or a pathlib.Path for a file")
    kind = str(js.ossferry.kindOf(data)) if _is_javascript(data) else ""
    if kind == "stream":
        return file_from_stream(data, name, path=path, content_type=content_type)
    if kind:
        return _of_javascript(kind, data, name, path, content_type)
    if hasattr(data, "__fspath__"):
        return PathFile(data.__fspath__(), name, path, content_type)
    source: Source | None = None
    if hasattr(data, "read"):
        source = ReaderSource(data)
    elif hasattr(data, "__aiter__"):
        source = IteratorSource(data)
    if source:
        return Stream(source, name, path=path, content_type=content_type)
    try:
        return file_from_bytes(data, name, path=path, content_type=content_type)
    except TypeError:
        raise TypeError(f"{name!r} is a {type(data).__name__}; upload {WANTED}")


def _is_javascript(data: "Any") -> bool:
    return "JsProxy" in type(data).__name__


def _of_javascript(kind: str, data: "Any", name: str, path: str, content_type: str) -> BrowserFile:
    if kind == "bytes":
        data = js.Blob.new(to_js([data]))
    if kind != "file":
        return file_from_blob(data, name, path=path, content_type=content_type)
    file = file_from_js(data)
    file.name = name
    file.path = path or file.path
    file.content_type = content_type or file.content_type
    return file


class PathFile(BrowserFile):
    """A file in Pyodide's file system. Only the bytes that are being sent are in memory.

    Args:
        file_path: where the file is in Pyodide's file system.
        name: the name of the file for the upload.
        path: the folders of the file for the upload, such as `a/b`.

    Raises:
        OSError: the file does not exist, or cannot be read.
    """

    def __init__(self, file_path: str, name: str, path: str, content_type: str) -> None:
        with open(file_path, "rb") as file:
            size = file.seek(0, 2)
        BrowserFile.__init__(self, None, (name, path, size, content_type, 0, "", True))
        self._file_path = file_path

    def slice(self, offset: int, size: int) -> "Any":
        """Return the bytes `[offset, offset + size)` of the file as a JavaScript `Blob`.

        Raises:
            FileUnreadable: the file does not exist any more, or has become shorter.
        """
        return js.Blob.new(to_js([blob_of(chunk) for chunk in self._chunks(offset, size)]))

    async def head(self) -> bytes:
        """Return the first 32 bytes of the file, or all bytes of a shorter file.

        Raises:
            FileUnreadable: the file does not exist any more, or has become shorter.
        """
        return b"".join(self._chunks(0, min(self.size, HEAD_BYTES)))

    def _chunks(self, offset: int, size: int) -> "list[bytes]":
        chunks = []
        try:
            with open(self._file_path, "rb") as file:
                file.seek(offset)
                while size:
                    chunks.append(file.read(min(size, READ_BYTES)))
                    size -= len(chunks[-1])
                    if not chunks[-1]:
                        raise FileUnreadable("the file has become shorter", changed=True)
        except OSError as error:
            raise FileUnreadable(str(error))
        return chunks


class ReaderSource:
    """Reads a binary Python file object; implements `transfer.files.Source`."""

    def __init__(self, file: "Any") -> None:
        self._file = file

    async def read(self, size: int) -> BrowserFile:
        """Return the next `size` bytes of the file object as a file in memory.

        At the end of the file object, the result has fewer bytes or none.

        Raises:
            FileUnreadable: reading failed, or the file object was opened in text mode.
        """
        chunks = []
        try:
            while size:
                chunk = self._file.read(min(size, READ_BYTES))
                if not chunk:
                    break
                chunks.append(blob_of(chunk))
                size -= len(chunk)
        except (OSError, TypeError, ValueError) as error:
            raise FileUnreadable(str(error))
        return _joined(chunks)


class IteratorSource:
    """Reads an async iterator of bytes; implements `transfer.files.Source`."""

    def __init__(self, iterable: "Any") -> None:
        self._iterator = iterable.__aiter__()
        self._rest: Any = None

    async def read(self, size: int) -> BrowserFile:
        """Return the next `size` bytes of the iterator as a file in memory.

        At the end of the iterator, the result has fewer bytes or none.

        Raises:
            FileUnreadable: the iterator raised an error, or returned a value that is not bytes.
        """
        chunks, have = [], 0
        if self._rest:
            chunks, have = [self._rest], int(self._rest.size)
        while have < size:
            try:
                chunk = blob_of(await self._iterator.__anext__())
            except StopAsyncIteration:
                break
            except Exception as error:
                raise FileUnreadable(f"{type(error).__name__}: {error}")
            chunks.append(chunk)
            have += int(chunk.size)
        whole = _joined(chunks)
        self._rest = whole.blob.slice(float(size)) if have > size else None
        return file_from_blob(whole.slice(0, min(have, size)), "")


def _joined(blobs: "list[Any]") -> BrowserFile:
    return file_from_blob(js.Blob.new(to_js(blobs)), "")
