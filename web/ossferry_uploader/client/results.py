"""The results of uploads: a stored file, and the progress of several uploads."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.upload import Upload


class UploadCancelled(Exception):
    """Raised by `Uploads.put` if the upload was cancelled, for example by `queue.cancel_all()`."""


class Done:
    """The result of a successful upload: a stored object, with the checksum that OSS has confirmed.

    Attributes:
        name: the name of the file.
        key: the key of the object.
        size: the size of the file in bytes.
        crc64: the CRC-64 of the object and of the file, as decimal text.
        request_id: the id of the OSS request that stored the object; may be empty.
        url: the address of the object; only readers with permission can open it.
        identical: whether an identical object was stored before, so that nothing was sent.
    """

    def __init__(self, upload: "Upload", url: str) -> None:
        self.name = upload.name
        self.key = upload.key
        self.size = upload.file.size
        self.crc64 = upload.crc64
        self.request_id = upload.request_id
        self.url = url
        self.identical = upload.identical

    def __repr__(self) -> str:
        return f"Done(key={self.key!r}, size={self.size}, crc64={self.crc64!r})"


class Progress:
    """The progress of all uploads that one call of `Uploads.put_all` has started.

    Attributes:
        files: the number of all files.
        done: the number of stored files.
        failed: the number of files that failed or were cancelled.
        size: the size of all files in bytes. It grows while streams are read.
        sent: the number of bytes sent so far.
        results: for each file, in the order of the call, a `Done`, the error, or `None` while the
            upload has not ended.
    """

    def __init__(
        self,
        results: "list[Done | Exception | None]",
        *,
        done: int,
        failed: int,
        size: int,
        sent: int,
    ) -> None:
        self.files = len(results)
        self.done = done
        self.failed = failed
        self.size = size
        self.sent = sent
        self.results = results
