"""Blobs: byte strings that make up the data of objects and parts.

A large blob is a file. A small blob is a database row. The deletion of a blob waits until no
request is reading the blob. A mock that is killed can leave unused blobs, which the store deletes
at its next start.
"""

import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from mock_oss.store.database import Database, first
from mock_oss.store.records import Segment

COPY_CHUNK = 1 << 20
SMALL_BYTES = 64 << 10
SMALL = "#"  # first character of the names of small blobs
MAX_IOV = 512


class BlobWriter:
    """Context manager that writes the data of a new blob.

    Call `close` in the `with` block to finish the blob, and store an object or part that contains
    it. An exception in the block deletes the blob. Up to `SMALL_BYTES` bytes are kept in memory
    until `close` stores them in a database row; larger data is written to a file.
    """

    __slots__ = ("_blobs", "_fd", "_kept", "name", "size")

    def __init__(self, blobs: "Blobs") -> None:
        self.name = ""
        self.size = 0
        self._blobs = blobs
        self._kept: list[bytes] = []
        self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.discard()
        self._blobs.protected.discard(self.name)

    def write(self, pieces: list[bytes]) -> None:
        """Append pieces of data to the blob."""
        self.size += sum(map(len, pieces))
        if self._fd < 0:
            if self.size <= SMALL_BYTES:
                self._kept += pieces
                return
            pieces = self._kept + pieces
            self._kept = []
            self._become_file()
        for start in range(0, len(pieces), MAX_IOV):
            _write_all(self._fd, pieces[start : start + MAX_IOV])

    def _become_file(self) -> None:
        self.name = secrets.token_hex(12)
        self._blobs.protected.add(self.name)
        path = self._blobs.path(self.name)
        self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)

    def close(self) -> Segment:
        """Finish writing; return the segment (blob slice) that covers the whole blob."""
        if self._fd < 0:
            self.name = self._blobs.put_small(b"".join(self._kept))
            self._kept = []
        else:
            os.close(self._fd)
            self._fd = -1
        return Segment(self.name, 0, self.size)

    def discard(self) -> None:
        """Delete the data that has been written; do nothing if it is already deleted."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self.name:
            self._blobs.remove(self.name)


def _number(name: str) -> int:
    return int(name.removeprefix(SMALL))


def _write_all(fd: int, pieces: list[bytes]) -> None:
    left = sum(map(len, pieces))
    written = os.writev(fd, pieces)
    while written < left:
        rest = b"".join(pieces)[written:]
        left -= written
        pieces, written = [rest], os.write(fd, rest)


class Blobs:
    """All blobs of a store: small blobs in database rows, other blobs as files in a directory.

    `protected` contains the names of blobs that are being written; `sweep` does not delete these
    blobs.
    """

    def __init__(self, directory: Path, database: Database) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._db = database
        self._readers: Counter[str] = Counter()
        self._delete_later: set[str] = set()
        self.protected: set[str] = set()
        query = "SELECT coalesce(max(id), 0) FROM small_blobs"
        self._last_small: int = database.rows(first, query)[0]

    def new(self) -> BlobWriter:
        """Return a context manager that writes a new blob.

        The caller must store an object or a part that contains the blob before the `with` block
        ends.
        """
        return BlobWriter(self)

    def path(self, name: str) -> str:
        """Return the file path of a large blob (one that is stored as a file), given its name."""
        return f"{self._directory}/{name}"

    def put_small(self, data: bytes) -> str:
        """Store a small blob and return its name."""
        with self._db.lock:
            self._last_small += 1  # readers may still hold an old name: never use a number twice
            self._db.change("INSERT INTO small_blobs VALUES (?, ?)", (self._last_small, data))
            return f"{SMALL}{self._last_small}"

    def _small(self, name: str) -> bytes:
        query = "SELECT data FROM small_blobs WHERE id = ?"
        return bytes(self._db.rows(first, query, (_number(name),))[0])

    def remove(self, name: str) -> None:
        """Delete a blob immediately; do nothing if the blob is already deleted."""
        if name.startswith(SMALL):
            self._db.change("DELETE FROM small_blobs WHERE id = ?", (_number(name),))
        else:
            Path(self.path(name)).unlink(missing_ok=True)

    def link(self, segments: Iterable[Segment]) -> list[Segment]:
        """Copy the blob of each segment, and return segments that refer to the copies.

        A copy is a hard link to a large blob, or a new database row with the data of a small blob.
        Deleting the old blobs does not affect the copies.
        """
        linked = []
        for segment in segments:
            if segment.blob.startswith(SMALL):
                name = self.put_small(self._small(segment.blob))
            else:
                name = secrets.token_hex(12)
                os.link(self.path(segment.blob), self.path(name))
            linked.append(segment._replace(blob=name))
        return linked

    def delete(self, segments: Iterable[Segment]) -> None:
        """Delete the blobs to which the segments refer.

        The caller must have removed the segments from all objects and parts. A blob that a request
        is reading is deleted when the request ends.
        """
        for name in {segment.blob for segment in segments}:
            if name in self._readers:
                self._delete_later.add(name)
            else:
                self.remove(name)

    @contextmanager
    def reading(self, segments: Iterable[Segment]) -> Iterator[None]:
        """Context manager for reading segments; deletions of their blobs wait until it ends."""
        names = [segment.blob for segment in segments]
        self._readers.update(names)
        try:
            yield
        finally:
            for name in names:
                self._readers[name] -= 1
                if not self._readers[name]:
                    del self._readers[name]
                    if name in self._delete_later:
                        self._delete_later.discard(name)
                        self.remove(name)

    def read(self, segments: Iterable[Segment], chunk_size: int = COPY_CHUNK) -> Iterator[bytes]:
        """Yield the data of the segments in pieces.

        A small blob is one piece. Pieces of large blobs have at most `chunk_size` bytes.

        Raises:
            EOFError: a file is shorter than its segment requires.
        """
        for segment in segments:
            if segment.blob.startswith(SMALL):
                yield self._small(segment.blob)[segment.offset : segment.offset + segment.size]
                continue
            fd = os.open(self.path(segment.blob), os.O_RDONLY)
            try:
                offset, left = segment.offset, segment.size
                while left:
                    data = os.pread(fd, min(chunk_size, left), offset)
                    if not data:
                        raise EOFError(f"blob {segment.blob} is shorter than its row says")
                    offset += len(data)
                    left -= len(data)
                    yield data
            finally:
                os.close(fd)

    def names(self) -> set[str]:
        """Return the names of all blobs."""
        numbers = self._db.rows(first, "SELECT id FROM small_blobs")
        files = {entry.name for entry in os.scandir(self._directory)}
        return {f"{SMALL}{number}" for number in numbers} | files

    def sweep(self, used: set[str]) -> None:
        """Delete all blobs that are neither used nor protected.

        Args:
            used: the names of the blobs that objects or parts contain.
        """
        for name in self.names() - used - self.protected:
            self.remove(name)
