"""Files that hold bytes. A blob is written once and never changed.

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
from typing import NamedTuple

__all__ = ["BlobWriter", "Blobs", "Segment", "clip"]

COPY_CHUNK = 1 << 20


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
    """A blob being written. Nothing refers to it until a row does."""

    __slots__ = ("_fd", "name", "path", "size")

    def __init__(self, directory: Path) -> None:
        self.name = secrets.token_hex(12)
        self.path = f"{directory}/{self.name}"
        self.size = 0
        self._fd = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        written = 0
        while written < len(data):
            written += os.write(self._fd, data[written:] if written else data)
        self.size += len(data)

    def close(self) -> Segment:
        """Finish; return the segment that covers the whole blob."""
        os.close(self._fd)
        self._fd = -1
        return Segment(self.name, 0, self.size)

    def discard(self) -> None:
        """Throw the blob away; harmless when it is gone already."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        Path(self.path).unlink(missing_ok=True)


class Blobs:
    """The directory of blobs."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._readers: Counter[str] = Counter()
        self._doomed: set[str] = set()
        self._unnamed: set[str] = set()

    @contextmanager
    def new(self) -> Iterator[BlobWriter]:
        """Write a blob and name it in a row within the block; an exception throws it away."""
        writer = BlobWriter(self._directory)
        self._unnamed.add(writer.name)
        try:
            yield writer
        except BaseException:
            writer.discard()
            raise
        finally:
            self._unnamed.discard(writer.name)

    def path(self, name: str) -> str:
        """Return the file of a blob."""
        return f"{self._directory}/{name}"

    def link(self, segments: Iterable[Segment]) -> list[Segment]:
        """Give the same bytes new names, so that either owner can delete its own."""
        linked = []
        for segment in segments:
            name = secrets.token_hex(12)
            os.link(self.path(segment.blob), self.path(name))
            linked.append(segment._replace(blob=name))
        return linked

    def delete(self, segments: Iterable[Segment]) -> None:
        """Delete blobs no row names any more; those being read go when the reader has."""
        for name in {segment.blob for segment in segments}:
            if name in self._readers:
                self._doomed.add(name)
            else:
                Path(self.path(name)).unlink(missing_ok=True)

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
                    if name in self._doomed:
                        self._doomed.discard(name)
                        Path(self.path(name)).unlink(missing_ok=True)

    def read(self, segments: Iterable[Segment], chunk_size: int = COPY_CHUNK) -> Iterator[bytes]:
        """Yield the bytes of the segments in pieces of at most ``chunk_size``."""
        for segment in segments:
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
        """Return the names of all blobs on disk."""
        return {entry.name for entry in os.scandir(self._directory)}

    def sweep(self, used: set[str]) -> int:
        """Delete blobs that no row names; return how many there were."""
        orphans = self.names() - used - self._unnamed
        for name in orphans:
            Path(self.path(name)).unlink(missing_ok=True)
        return len(orphans)
