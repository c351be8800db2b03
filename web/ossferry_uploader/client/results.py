"""Results of uploads: the stored file, and the progress of several uploads."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.upload import Upload


class UploadCancelled(Exception):
    """Raised if somebody cancelled the upload, for example with `queue.cancel_all()`."""


class Done:
    """A file that OSS has stored, with the checksum that proves it.

    Attributes:
        name: the name of the file.
        key: the key of the object.
        size: the size in bytes.
        crc64: the CRC-64 of the object and of the file, as decimal text.
        request_id: the id of the OSS request that stored the object; may be empty.
        url: the address of the object; only readers with permission can open it.
        identical: whether the same file was stored before, so that nothing was sent.
    """

    def __init__(self, upload: "Upload", url: str) -> None:
        self.name = upload.file.name
        self.key = upload.key
        self.size = upload.file.size
        self.crc64 = upload.crc64
        self.request_id = upload.request_id
        self.url = url
        self.identical = upload.identical

    def __repr__(self) -> str:
        return f"Done(key={self.key!r}, size={self.size}, crc64={self.crc64!r})"


class Progress:
    """How far a call of `put_all` is.

    Attributes:
        files: the number of all files.
        done: the number of stored files.
        failed: the number of files that failed or were cancelled.
        size: the number of all bytes. It grows while streams are read.
        sent: the number of sent bytes.
        results: for each file, in order, a `Done`, the error, or `None` while it is not known.
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
