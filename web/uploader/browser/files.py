"""Files that the user gave to the page."""

from uploader.browser.interop import JsException, wide
from uploader.transfer.errors import FileUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BrowserFile", "check_readable"]


class BrowserFile:
    """A JavaScript `File`; `blob` is what goes into a request, without passing through Python."""

    def __init__(self, blob: "Any") -> None:
        self.blob = blob
        self.name: str = blob.name
        relative = getattr(blob, "webkitRelativePath", None) or ""
        self.path: str = relative.rpartition("/")[0]
        self.size = wide(blob, "size")
        self.content_type: str = blob.type


async def check_readable(file: BrowserFile) -> None:
    """Read the first byte, to tell a vanished file from a lost connection.

    Raises:
        FileUnreadable: the browser may not or cannot read it.
    """
    try:
        await file.blob.slice(0, 1).arrayBuffer()
    except JsException as error:
        raise FileUnreadable(str(error))
