"""Bytes. Large blobs are files, written once; small ones are rows, written over when unread.

A blob in use by a reader is deleted when the last reader has gone. Blobs that no row names,
left by a killed process, are swept when the store opens.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from mock_oss.store.database import Database

__all__ = ["BlobWriter", "Blobs", "Segment", "clip"]

COPY_CHUNK = 1 << 20
SMALL_BYTES = 64 << 10
SMALL = "#"  # begins the names of blobs in the database
MAX_IOV = 512


class Segment(NamedTuple):
    """A slice of a blob: ``[offset, offset + size)`` of the file ``blob``."""

    blob: str
    offset: int
    size: int


def clip(segments: Iterable[Segment], offset: int, size: int) -> list[Segment]:
    """Return the segments that make up ``[offset, offset + size)`` of the whole."""
    clipped = []
    for segment in segments:
        if size <= 0:
            break
        if offset >= segment.size:
            offset -= segment.size
            continue
        taken = min(segment.size - offset, size)
        clipped.append(Segment(segment.blob, segment.offset + offset, taken))
        offset, size = 0, size - taken
    return clipped


class BlobWriter:
    """A blob being written. Nothing refers to it until a row does.

    It is thrown away when its ``with`` block ends in an exception. It begins in memory and becomes
    a file when it grows beyond ``SMALL_BYTES``.
    """

    __slots__ = ("_blobs", "_fd", "_kept", "_path", "name", "size")

    def __init__(self, blobs: Blobs) -> None:
        self.name = ""
        self.size = 0
        self._blobs = blobs
        self._kept: list[bytes] = []
        self._path = ""
        self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.discard()
        self._blobs.unprotect(self.name)

    def write(self, pieces: list[bytes]) -> None:
        """Append pieces."""
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
        self._path = self._blobs.path(self.name)
        self._blobs.protect(self.name)
        self._fd = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)

    def close(self, reuse: str = "") -> Segment:
        """Finish; return the segment that covers the whole blob.

        Args:
            reuse: a small blob to write over, in the transaction that takes it from its owner; a
                blob that has become a file leaves it alone.
        """
        if self._fd < 0:
            data = b"".join(self._kept)
            self._kept = []
            if reuse:  # not our name: an exception after this must not delete it
                self._blobs.overwrite(reuse, data)
                return Segment(reuse, 0, self.size)
            self.name = self._blobs.put_small(data)
        else:
            os.close(self._fd)
            self._fd = -1
        return Segment(self.name, 0, self.size)

    def discard(self) -> None:
        """Throw the blob away; harmless when it is gone already."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self.name:
            self._blobs.remove(self.name)


def _write_all(fd: int, pieces: list[bytes]) -> None:
    left = sum(map(len, pieces))
    written = os.writev(fd, pieces)
    while written < left:
        rest = b"".join(pieces)[written:]
        left -= written
        pieces, written = [rest], os.write(fd, rest)


class Blobs:
    """All blobs: small ones are rows of the database, others files of a directory."""

    def __init__(self, directory: Path, database: Database) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._db = database
        self._readers: Counter[str] = Counter()
        self._delete_later: set[str] = set()
        self._protected: set[str] = set()
        (self._last_small,) = database.execute(
            "SELECT coalesce(max(id), 0) FROM small_blobs"
        ).fetchone()

    def new(self) -> BlobWriter:
        """Return a blob to write, and to name in a row, within a ``with`` block."""
        return BlobWriter(self)

    def protect(self, name: str) -> None:
        """Keep a blob that no row names yet from being swept."""
        self._protected.add(name)

    def unprotect(self, name: str) -> None:
        """Let a blob be swept again unless a row names it."""
        self._protected.discard(name)

    def path(self, name: str) -> str:
        """Return the file of a blob that is one."""
        return f"{self._directory}/{name}"

    def put_small(self, data: bytes) -> str:
        """Keep a small blob; return its name."""
        with self._db.lock:
            self._last_small += 1  # never used twice while readers may hold the name
            self._db.execute("INSERT INTO small_blobs VALUES (?, ?)", (self._last_small, data))
            return f"{SMALL}{self._last_small}"

    def reusable(self, segments: Iterable[Segment]) -> str:
        """Return a small blob of these that nobody reads, empty when there is none."""
        for segment in segments:
            if segment.blob.startswith(SMALL) and segment.blob not in self._readers:
                return segment.blob
        return ""

    def overwrite(self, name: str, data: bytes) -> None:
        """Give a small blob that nobody reads other bytes; cheaper than a new one."""
        with self._db.lock:
            number = int(name.removeprefix(SMALL))
            self._db.execute("UPDATE small_blobs SET data = ? WHERE id = ?", (data, number))

    def _small(self, name: str) -> bytes:
        number = int(name.removeprefix(SMALL))
        with self._db.lock:
            row = self._db.execute(
                "SELECT data FROM small_blobs WHERE id = ?", (number,)
            ).fetchone()
        return bytes(row[0])

    def remove(self, name: str) -> None:
        """Delete a blob now; harmless when it is gone already."""
        if name.startswith(SMALL):
            with self._db.lock:
                number = int(name.removeprefix(SMALL))
                self._db.execute("DELETE FROM small_blobs WHERE id = ?", (number,))
        else:
            Path(self.path(name)).unlink(missing_ok=True)

    def link(self, segments: Iterable[Segment]) -> list[Segment]:
        """Give the same bytes new names, so that either owner can delete its own."""
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
        """Delete blobs no row names any more; those being read go when the reader has."""
        for name in {segment.blob for segment in segments}:
            if name in self._readers:
                self._delete_later.add(name)
            else:
                self.remove(name)

    @contextmanager
    def reading(self, segments: Iterable[Segment]) -> Iterator[None]:
        """Keep the blobs of these segments until the block ends."""
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
        """Yield the bytes of the segments in pieces of at most ``chunk_size``."""
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

    def file_names(self) -> set[str]:
        """Return the names of the blobs that are files."""
        return {entry.name for entry in os.scandir(self._directory)}

    def names(self) -> set[str]:
        """Return the names of all blobs."""
        with self._db.lock:
            rows = self._db.execute("SELECT id FROM small_blobs").fetchall()
            small = {f"{SMALL}{row[0]}" for row in rows}
        return small | self.file_names()

    def sweep(self, used: set[str]) -> int:
        """Delete blobs that no row names; return how many there were."""
        orphans = self.names() - used - self._protected
        for name in orphans:
            self.remove(name)
        return len(orphans)
