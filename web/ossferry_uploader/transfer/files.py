"""Interfaces of files and streams, and classes for byte ranges and for files that are lost.

The engine does not read the bytes of files; the implementations of the interfaces in `ports` do.
"""

from ossferry_uploader.transfer.errors import FileUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class File(Protocol):
        """Interface of a file on the user's disk or in memory; the engine never reads its bytes."""

        name: str
        path: str  # folders inside a chosen folder, "a/b"; empty for a single file
        size: int  # bytes
        content_type: str  # derived by the browser from the name; empty if unknown
        modified: int  # ms since 1970
        crc64: str  # of the whole file, decimal; empty unless `head` has read the whole file
        is_lasting: bool  # a later page may read the file too; no for streams and data in memory

        async def head(self) -> bytes:
            """Return the first bytes of the file, at most `sniff.HEAD_BYTES`.

            An implementation may read the whole file; it then sets `crc64` to the CRC-64 of the
            file.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
            """

    class Source(Protocol):
        """Interface of a stream of unknown length, whose bytes can be read only once."""

        async def read(self, size: int) -> File:
            """Return the next `size` bytes of the stream as a file in memory.

            The result has fewer bytes only at the end of the stream.

            Raises:
                FileUnreadable: reading the stream has failed.
            """


class Piece:
    """A byte range of a file: `[offset, offset + size)`. It does not contain the bytes.

    Args:
        file: a `File`; for a part of a stream, a `File` in memory that contains only this part.
        offset: where the range begins in `file`, in bytes.
        at: where the range begins in the object, in bytes; by default `offset`. It differs from
            `offset` only if `file` contains one part of a stream.
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
    """Return the byte range of one part of a file; it ends no later than the file.

    A file is divided into units of `part_size` bytes. A part consists of one or more units, and its
    number is the number of its first unit, so the part begins at `(number - 1) * part_size`.

    Args:
        number: the part number, from 1.
        part_size: the size of a unit in bytes.
        units: the number of units in the part.
    """
    offset = (number - 1) * part_size
    return Piece(file, offset, min(units * part_size, file.size - offset))


class LostFile:
    """Stands for a file that was chosen in an earlier page and cannot be read in this page.

    It has the name, folders, size and time of the last change, but not the bytes.
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
        """Always raise `FileUnreadable`, because this page cannot read the file."""
        raise FileUnreadable("its page is gone")
