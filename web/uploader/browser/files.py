"""Files that the user gave to the page."""

from uploader.browser.interop import JsException, wide
from uploader.transfer.errors import FileUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploader.transfer.ports import Piece

__all__ = ["BrowserFile", "check_readable"]


class BrowserFile:
    """A JavaScript `File`; `blob` is what goes into a request, without passing through Python."""

    def __init__(self, blob: "Any") -> None:
        self.blob = blob  # never read here
        self.name: str = blob.name
        relative = getattr(blob, "webkitRelativePath", None) or ""
        self.path: str = relative.rpartition("/")[0]
        self.size = wide(blob, "size")
        self.content_type: str = blob.type
        self.modified = wide(blob, "lastModified")

    def slice(self, offset: int, size: int) -> "Any":
        """Return a part of the file as a Blob; the whole file is the file itself."""
        if size == self.size:
            return self.blob
        return self.blob.slice(float(offset), float(offset + size), "")


async def check_readable(piece: "Piece") -> None:
    """Read the first byte of a piece, to tell a vanished file from a lost connection.

    Raises:
        FileUnreadable: the browser may not or cannot read it.
    """
    try:
        await piece.file.slice(piece.offset, min(1, piece.size)).arrayBuffer()
    except JsException as error:
        raise FileUnreadable(str(error))
