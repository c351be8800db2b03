"""Files and streams as the engine sees them: names and sizes, never their bytes."""

from uploader.transfer.errors import FileUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class File(Protocol):
        """A file on the user's disk. Its bytes stay on the other side of this port."""

        name: str
        path: str  # folders inside a chosen folder, "a/b"; empty for a single file
        size: int  # bytes
        content_type: str  # by its ending; "" if unknown
        modified: int  # ms since 1970
        crc64: str  # of all of it, decimal, if `head` has read all; else empty

        async def head(self) -> bytes:
            """Return the first bytes of the file, up to `sniff.HEAD_BYTES` of them.

            It may read more, and set `crc64`.

            Raises:
                FileUnreadable: the file is gone, changed or not ours to read.
            """

    class Source(Protocol):
        """What a stream comes out of, whose length nobody knows."""

        async def read(self, size: int) -> File:
            """Return the next `size` bytes as a file in memory, fewer only at the end.

            Raises:
                FileUnreadable: the stream has failed.
            """


__all__ = ["LostFile", "Piece"]


class Piece:
    """The bytes `[offset, offset + size)` of a file."""

    def __init__(self, file: "Any", offset: int, size: int) -> None:
        self.file = file  # what it is made of is known to the maker of the ports alone
        self.offset = offset
        self.size = size
        self.cut: Any = None  # out of the file, once the maker of the ports has done it
        self.give_up: Callable[[], None] | None = None  # ends the request that sends it


class LostFile:
    """A file of an earlier page, without its bytes."""

    content_type = ""
    crc64 = ""

    def __init__(self, name: str, path: str, size: int, modified: int) -> None:
        self.name = name
        self.path = path
        self.size = size
        self.modified = modified

    async def head(self) -> bytes:
        """Fail: there are no bytes."""
        raise FileUnreadable("its page is gone")
