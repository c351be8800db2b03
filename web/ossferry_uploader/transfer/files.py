"""Interfaces of files and streams, and the classes `Piece` and `LostFile`.

The engine does not read the bytes of files. The implementations of the interfaces in `ports` read
the bytes.
"""

from ossferry_uploader.transfer.errors import FileUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class File(Protocol):
        """A file on the user's disk. The engine never holds the file's bytes."""

        name: str
        path: str  # folders inside a chosen folder, "a/b"; empty for a single file
        size: int  # bytes
        content_type: str  # derived by the browser from the name; empty if unknown
        modified: int  # ms since 1970
        crc64: str  # of the whole file, decimal; empty unless `head` has read the whole file
        is_lasting: bool  # a later page may read the file too; no for streams and data in memory

        async def head(self) -> bytes:
            """Return the first bytes of the file, at most `sniff.HEAD_BYTES`.

            The method may read the whole file, and then sets `crc64` to the CRC-64 of the file.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
            """

    class Source(Protocol):
        """The bytes of a stream of unknown length. The bytes can be read only once."""

        async def read(self, size: int) -> File:
            """Return the next `size` bytes as a file in memory.

            Fewer bytes are returned only at the end of the stream.

            Raises:
                FileUnreadable: reading the stream has failed.
            """


class Piece:
    """The bytes `[offset, offset + size)` of a file.

    Args:
        at: the offset of the bytes in the object, for a part of a stream; `offset` by default.
    """

    def __init__(self, file: "Any", offset: int, size: int, *, at: "int | None" = None) -> None:
        self.file = file  # a `File`; only the ports use more than its name and size
        self.offset = offset
        self.size = size
        self.at = offset if at is None else at
        self.cut: Any = None  # the bytes in the form that the ports use, once they are cut out
        self.crc64 = ""  # of the encrypted bytes in decimal, while `cut` has them
        self.give_up: Callable[[], None] | None = None  # ends the request that sends this piece


def piece_at(file: "Any", number: int, part_size: int, *, units: int = 1) -> Piece:
    """Return the bytes of one part of a file.

    Args:
        number: the number of the part, from 1.
        part_size: the size of a unit in bytes.
        units: the number of units of the part.
    """
    offset = (number - 1) * part_size
    return Piece(file, offset, min(units * part_size, file.size - offset))


class LostFile:
    """Describes a file that was chosen in an earlier page: name, folders, size, time of change.

    The bytes of the file are not available.
    """

    content_type = ""
    crc64 = ""
    is_lasting = True

    def __init__(self, name: str, path: str, size: int, modified: int) -> None:
        self.name = name
        self.path = path
        self.size = size
        self.modified = modified

    async def head(self) -> bytes:
        """Raise `FileUnreadable`, because the bytes are not available."""
        raise FileUnreadable("its page is gone")
