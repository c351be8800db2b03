"""Uploads of data that a program in the browser has, such as bytes, files and streams."""

import asyncio

from ossferry_uploader.client.results import Done, Progress, UploadCancelled
from ossferry_uploader.client.sources import file_of
from ossferry_uploader.transfer import states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.options import Options
    from ossferry_uploader.transfer.queue import Queue
    from ossferry_uploader.transfer.upload import Upload
    from ossferry_uploader.uploader import Uploader


class Uploads:
    """A connection to an ossferry server, which uploads data to OSS; `connect` returns it.

    Attributes:
        queue: the queue of all uploads of this connection, to pause, resume or observe them.
    """

    def __init__(self, uploader: "Uploader") -> None:
        self.queue = uploader.queue
        self._uploader = uploader
        self._reported: set[int] = set()  # upload numbers
        self.queue.on_change(self._report)

    async def put(
        self,
        name: str,
        data: "Any",
        options: "Options | None" = None,
        *,
        path: str = "",
        content_type: str = "",
        on_progress: "Callable[[Upload], None] | None" = None,
    ) -> Done:
        """Upload data as one object, and return the result when OSS has confirmed the checksum.

        If the network or the server is not available, the call waits and continues later. If the
        calling task is cancelled, the upload is cancelled too.

        Args:
            name: the name of the file, such as `report.parquet`.
            data: `bytes` or another object with the buffer protocol, a file that is open for
                reading bytes, a `pathlib.Path`, an async iterator of bytes, or a JavaScript `File`,
                `Blob`, `ArrayBuffer`, typed array or `ReadableStream`.
            options: how OSS stores the object; by default `queue.options`.
            path: the folders of the file, such as `a/b`.
            content_type: the type of the file. If it is empty, the type is derived from the first
                bytes and the name.
            on_progress: called with the `Upload` after each change of its state or progress.

        Raises:
            TypeError: `data` has another type, such as text.
            OSError: `data` is the path of a file that does not exist or cannot be read.
            OSSError: OSS refused the file, or did not reply although the network works.
            TransferError: another failure; for example, the server's limits do not allow the file.
            UploadCancelled: somebody cancelled the upload.
        """
        file = file_of(name, data, path=path, content_type=content_type)
        upload = self.queue.add(file, options)
        ended = asyncio.Event()

        def changed(other: "Upload") -> None:
            if other is not upload:
                return
            if other.state in states.ENDED:
                ended.set()
            if on_progress:
                on_progress(other)

        stop = self.queue.on_change(changed)
        try:
            if upload.state not in states.ENDED:
                await ended.wait()
        except asyncio.CancelledError:
            self._remove_when_ended(upload)
            self.queue.cancel(upload)
            raise
        finally:
            stop()
        result = self._result(upload)
        self.queue.remove(upload)
        if isinstance(result, Done):
            return result
        raise result

    def put_all(
        self, files: "Iterable[tuple[str, Any]] | Any", options: "Options | None" = None
    ) -> "PutAll":
        """Upload several files, and return an async iterator over the `Progress` of all of them.

        A file that fails does not stop the other files: `Progress.results` contains its error, and
        `queue.retry_failed()` sends it again. If the program leaves the loop early, the uploads
        continue.

        Args:
            files: pairs of a file name and its data (see `put`), or a JavaScript `FileList` or
                array of `File` objects, such as `input.files`.
            options: how OSS stores the objects; by default `queue.options`.

        Raises:
            TypeError: the data of a file has another type, such as text; no file is uploaded.
            OSError: the data is the path of a file that cannot be read; no file is uploaded.
        """
        given = [file_of(name, data) for name, data in _pairs(files)]
        return PutAll(self.queue, given, options, self._result)

    async def close(self) -> None:
        """Wait until all stored files are reported to the server, then delete the credentials.

        Later uploads request new credentials.
        """
        await self._uploader.reporting.finish()
        self._uploader.keeper.forget()

    def _remove_when_ended(self, upload: "Upload") -> None:
        """Remove an upload, and its data, from the queue as soon as it has ended."""

        def changed(other: "Upload") -> None:
            if other is upload and other.state in states.ENDED:
                stop()
                self.queue.remove(upload)

        stop = self.queue.on_change(changed)
        changed(upload)

    def _report(self, upload: "Upload") -> None:
        if upload.state not in states.ENDED or upload.number in self._reported:
            return
        if upload.state == states.DONE:
            self._reported.add(upload.number)
            self._uploader.reporting.arrived(upload)
        elif upload.refused:
            self._uploader.reporting.refused(upload)

    def _result(self, upload: "Upload") -> "Done | Exception":
        if upload.state == states.DONE:
            return Done(upload, self._uploader.url_of(upload.key))
        return upload.error or UploadCancelled(f"{upload.file.name} was cancelled")


def _pairs(files: "Any") -> "Iterable[tuple[str, Any]]":
    if hasattr(files, "length"):
        return [(str(files[index].name), files[index]) for index in range(int(files.length))]
    return [(name, data) for name, data in files]


class PutAll:
    """An async iterator over the `Progress` of several uploads; `Uploads.put_all` returns it.

    After each change of an upload, the iterator yields the progress of all uploads. It ends when
    all uploads have ended; its last item has the results of all files.
    """

    def __init__(
        self,
        queue: "Queue",
        files: "list[File]",
        options: "Options | None",
        result: "Callable[[Upload], Done | Exception]",
    ) -> None:
        self._queue = queue
        self._result = result
        self._changed = asyncio.Event()
        self._changed.set()
        self._is_over = False
        self._uploads = [queue.add(file, options) for file in files]
        self._places = {upload.number: place for place, upload in enumerate(self._uploads)}
        # Sums are kept, not computed again at each step, because there may be thousands of uploads.
        self._results: list[Done | Exception | None] = [None] * len(files)
        self._bytes = [(0, 0)] * len(files)  # size and sent bytes
        self._done = self._failed = self._size = self._sent = 0
        for upload in self._uploads:
            self._note(upload)
        self._stop = queue.on_change(self._note)

    def __aiter__(self) -> "PutAll":
        return self

    async def __anext__(self) -> Progress:
        """Wait for a change, and return the progress. The last one has all results."""
        if self._is_over:
            raise StopAsyncIteration
        await self._changed.wait()
        self._changed.clear()
        if self._done + self._failed == len(self._uploads):
            self._is_over = True
            self._stop()
            for upload in self._uploads:
                if upload.state == states.DONE:
                    self._queue.remove(upload)
        return Progress(
            list(self._results),
            done=self._done,
            failed=self._failed,
            size=self._size,
            sent=self._sent,
        )

    def _note(self, upload: "Upload") -> None:
        """Replace what the upload adds to the sums."""
        place = self._places.get(upload.number)
        if place is None:
            return
        self._count(place, -1)
        self._results[place] = self._result(upload) if upload.state in states.ENDED else None
        self._bytes[place] = (upload.file.size, upload.sent)
        self._count(place, 1)
        self._changed.set()

    def _count(self, place: int, sign: int) -> None:
        size, sent = self._bytes[place]
        self._size += sign * size
        self._sent += sign * sent
        result = self._results[place]
        if isinstance(result, Done):
            self._done += sign
        elif result is not None:
            self._failed += sign
