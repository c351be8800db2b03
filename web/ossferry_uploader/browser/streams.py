"""Files of unknown size that are read from a JavaScript `ReadableStream` or async iterable."""

import js

from ossferry_uploader.browser.files import BrowserFile
from ossferry_uploader.browser.interop import JsException, reason_of, to_js
from ossferry_uploader.transfer.errors import FileUnreadable
from ossferry_uploader.transfer.sending.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BrowserSource:
    """Reads a JavaScript stream; implements `transfer.files.Source`.

    The bytes stay in `Blob` objects of JavaScript and never enter Python's memory.
    """

    def __init__(self, stream: "Any") -> None:
        if getattr(stream, "getReader", None):
            self._steps = stream.getReader()
            self._step = "read"
        else:
            begin = js.Reflect.get(stream, js.Symbol.asyncIterator)
            self._steps = js.Reflect.apply(begin, stream, to_js([]))
            self._step = "next"
        self._rest: Any = js.Blob.new()

    async def read(self, size: int) -> BrowserFile:
        """Return the next `size` bytes of the stream as a file.

        At the end of the stream, the file can be smaller or empty.

        Raises:
            FileUnreadable: reading the stream failed.
        """
        chunks, have = [self._rest], int(self._rest.size)
        try:
            while have < size:
                read = await getattr(self._steps, self._step)()
                if read.done:
                    break
                chunk = js.Blob.new(to_js([read.value]))
                chunks.append(chunk)
                have += int(chunk.size)
        except JsException as error:
            raise FileUnreadable(reason_of(error))
        over = max(0, have - size)
        last = chunks.pop()
        cut = float(last.size - over)
        chunks.append(last.slice(0, cut))
        self._rest = last.slice(cut)
        return BrowserFile(js.Blob.new(to_js(chunks)), ("", "", have - over, "", 0, "", True))


def file_from_stream(stream: "Any", name: str, *, path: str = "", content_type: str = "") -> Stream:
    """Return a JavaScript stream as a file for `Queue.add`.

    Args:
        stream: a `ReadableStream` or an async iterable; its chunks are byte arrays, Blobs or text.
        name: the name of the file.
        path: the folders of the file, such as `a/b`.
    """
    return Stream(BrowserSource(stream), name, path=path, content_type=content_type)
