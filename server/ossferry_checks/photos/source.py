"""Reads a photo file, and writes a new file from parts of it and from new bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 20  # bytes


class BrokenPhotoError(Exception):
    """Raised if a file ends too early, or if its structure is not that of a photo."""


class Source:
    """A photo file that is open for reading.

    Args:
        file: the open file.
        size: the size of the file in bytes.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size

    @property
    def at(self) -> int:
        """The offset of the next byte to read."""
        return self._file.tell()

    def seek(self, offset: int) -> None:
        """Set the offset of the next byte to read.

        Raises:
            BrokenPhotoError: the file ends before this offset.
        """
        if offset > self.size:
            raise BrokenPhotoError
        self._file.seek(offset)

    def read(self, count: int) -> bytes:
        """Read exactly `count` bytes.

        Raises:
            BrokenPhotoError: the file has fewer bytes left.
        """
        if self.at + count > self.size:
            raise BrokenPhotoError
        content = self._file.read(count)
        if len(content) < count:  # the file has become shorter
            raise BrokenPhotoError
        return content

    def read_at(self, offset: int, count: int) -> bytes:
        """Read exactly `count` bytes from an offset.

        Raises:
            BrokenPhotoError: the file has fewer bytes after the offset.
        """
        self.seek(offset)
        return self.read(count)

    def read_up_to(self, count: int) -> bytes:
        """Read `count` bytes, or fewer at the end of the file."""
        return self._file.read(count)


class Pieces:
    """The content of a new file, assembled from byte ranges of a source file and from new bytes."""

    def __init__(self) -> None:
        self._pieces: list[bytes | range] = []

    @property
    def size(self) -> int:
        """The size of the new file in bytes."""
        return sum(map(len, self._pieces))

    def keep(self, start: int, stop: int) -> None:
        """Append the bytes `[start, stop)` of the source file to the new file."""
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, range) and last.stop == start:
            self._pieces[-1] = range(last.start, stop)
        elif stop > start:
            self._pieces.append(range(start, stop))

    def add(self, content: bytes) -> None:
        """Append new bytes, which do not come from the source file, to the new file."""
        self._pieces.append(content)

    def extend(self, other: "Pieces") -> None:
        """Append the content of another `Pieces` object, for the same source file."""
        for each in other._pieces:
            if isinstance(each, range):
                self.keep(each.start, each.stop)
            else:
                self.add(each)

    def is_whole(self, source: Source) -> bool:
        """Return whether the new file consists of the whole source file, unchanged."""
        return self._pieces == [range(source.size)]

    def write(
        self, source: Source, path: Path, on_progress: Callable[[float], None] = lambda share: None
    ) -> None:
        """Write the new file to a path.

        Args:
            source: the source file.
            path: the path of the new file.
            on_progress: called with the share of the file that is written, from 0 to 1.

        Raises:
            BrokenPhotoError: the source file has become shorter.
        """
        size, written = self.size, 0
        with path.open("wb") as target:
            for piece in self._pieces:
                if isinstance(piece, bytes):
                    target.write(piece)
                    continue
                for start in range(piece.start, piece.stop, BLOCK):
                    count = min(BLOCK, piece.stop - start)
                    target.write(source.read_at(start, count))
                    written += count
                    on_progress(written / size)
