"""The built-in check of ZIP archives.

The sizes in the directory of an archive can be wrong, so the check unpacks each file and counts the
bytes. It keeps at most `KEPT` unpacked bytes in memory, for archives inside the archive.
"""

import bz2
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import BinaryIO

from ossferry_checks.builtin import zip_directory
from ossferry_checks.builtin.check_options import ZipOptions
from ossferry_checks.builtin.words import shortened, size_text
from ossferry_checks.files import CheckedFile
from ossferry_checks.registry import Check
from ossferry_checks.results import Reject
from ossferry_checks.sentences import say

STORED, DEFLATED, BZIP2 = 0, 8, 12  # methods; files with other methods are not unpacked
CHUNK = 1 << 18  # bytes
KEPT = 64_000_000  # bytes of archives in archives that are in memory at a time
MAX_DEPTH = 8  # archives in archives
MAX_TARGET = 4096  # bytes of the target of a symbolic link
HARMLESS = 1_000_000  # unpacked bytes; fewer are not a bomb, whatever their ratio
ZIP_START = b"PK\3\4"
DRIVE = re.compile(r"[A-Za-z]:")


def zip_check(options: ZipOptions) -> Check:
    """Return the check that refuses ZIP archives which are damaged, dangerous, or exceed a limit.

    Args:
        options: the limits.
    """
    return Check(
        name="zip",
        function=partial(check_zip, options=options),
        patterns=("*.zip",),
        max_seconds=120,
        seconds_per_mb=1.0,
    )


def check_zip(file: CheckedFile, *, options: ZipOptions) -> None:
    """Check that a ZIP archive is complete and safe to unpack, and does not exceed the limits.

    Raises:
        Reject: the archive is damaged, contains a path or link that leads out of its folder,
            declares wrong sizes, contains encrypted files that are not allowed, or exceeds a limit.
    """
    limits = ZipLimits(file, options)
    with file.path.open("rb") as source:
        try:
            entries = limits.read(source)
        except zip_directory.BrokenZipError as error:
            raise Reject(say("zip_broken", file.language)) from error
        for entry in entries:
            if _is_outside(entry.name):
                raise _rejected(file, "zip_path", entry)
            if entry.is_encrypted and not options.allow_encrypted:
                raise _rejected(file, "zip_encrypted", entry)
        _Contents(file, limits).check(source, entries)


def _rejected(file: CheckedFile, key: str, entry: zip_directory.Entry) -> Reject:
    return Reject(say(key, file.language, name=shortened(entry.name)))


def _is_outside(name: str) -> bool:
    """Return whether a name leads out of the folder into which an archive is unpacked."""
    path = name.replace("\\", "/")
    is_absolute = path.startswith("/") or DRIVE.match(path)
    return bool(is_absolute) or "\0" in path or ".." in path.split("/")


class ZipLimits:
    """Adds up the files and unpacked bytes of an archive and of the archives inside it.

    The method `read` raises `Reject` if a total exceeds a limit.

    Args:
        file: the outermost archive.
        options: the limits: `max_ratio`, `max_bytes` and `max_files`.
    """

    def __init__(self, file: CheckedFile, options: ZipOptions) -> None:
        self._file = file
        self._options = options
        self._files = 0
        self._bytes = 0

    def read(self, source: BinaryIO) -> list[zip_directory.Entry]:
        """Read the directory (list of files) of an archive, and add its contents to the totals.

        The totals count the files and unpacked bytes that the directories of all archives declare.

        Args:
            source: the archive: the outermost one, or one inside it.

        Returns:
            The files and folders in the archive.

        Raises:
            Reject: a total exceeds a limit, or two files in the archive share bytes.
            BrokenZipError: the archive is not complete.
        """
        language, options = self._file.language, self._options
        try:
            entries = zip_directory.read_directory(
                source, max_files=options.max_files - self._files
            )
        except zip_directory.TooManyFilesError as error:
            raise Reject(say("zip_files", language, limit=f"{options.max_files:,}")) from error
        self._files += len(entries)
        self._bytes += sum(each.size for each in entries)
        if self._bytes > options.max_bytes:
            limit = size_text(options.max_bytes)
            raise Reject(say("zip_bytes", language, size=size_text(self._bytes), limit=limit))
        ratio = self._bytes / max(1, self._file.size)
        if ratio > options.max_ratio and self._bytes > HARMLESS:
            limit = f"{options.max_ratio:g}"
            raise Reject(say("zip_ratio", language, ratio=f"{ratio:,.0f}", limit=limit))
        ordered = sorted(entries, key=lambda entry: entry.offset)
        for one, next_one in pairwise(ordered):
            if one.end > next_one.offset:
                raise _rejected(self._file, "zip_overlap", next_one)
        return entries


class _Contents:
    """Unpacks archives without keeping what comes out."""

    def __init__(self, file: CheckedFile, limits: ZipLimits) -> None:
        self._file = file
        self._limits = limits
        self._kept = 0

    def check(self, source: BinaryIO, entries: Sequence[zip_directory.Entry]) -> None:
        """Unpack an archive.

        Raises:
            Reject: the archive is damaged, or its directory declares wrong sizes or paths, or the
                archives in it exceed the limits.
        """
        for entry in entries:
            self._file.progress(entry.offset / self._file.size)
            try:
                is_outside = _is_outside(zip_directory.contents_of(source, entry))
                start = self._unpack(source, entry)
            except (zip_directory.BrokenZipError, zlib.error, OSError) as error:
                raise _rejected(self._file, "zip_damaged", entry) from error
            if is_outside:
                raise _rejected(self._file, "zip_path", entry)
            if entry.is_link and (start is None or _is_outside(start.decode("latin-1"))):
                raise _rejected(self._file, "zip_link", entry)
            self._check_inner(start, entry, 1)

    def _check_inner(self, data: bytes | None, entry: zip_directory.Entry, depth: int) -> None:
        """Check the sizes in an archive in the archive. It may be damaged."""
        if data is None or len(data) != entry.size or not data.startswith(ZIP_START):
            return
        if depth == MAX_DEPTH:
            raise Reject(say("zip_nested", self._file.language, limit=MAX_DEPTH))
        source = io.BytesIO(data)
        self._kept += len(data)
        with suppress(zip_directory.BrokenZipError, zlib.error, OSError):
            for inner in self._limits.read(source):
                zip_directory.contents_of(source, inner)
                self._check_inner(self._unpack(source, inner), inner, depth + 1)
        self._kept -= len(data)

    def _unpack(self, source: BinaryIO, entry: zip_directory.Entry) -> bytes | None:
        """Unpack a file, and return it, or only its start if it is no small archive.

        Returns:
            None if the method is not known or the file is encrypted.

        Raises:
            Reject: the file is larger than declared.
            BrokenZipError, zlib.error, OSError: the file is damaged.
        """
        unpack = METHODS.get(entry.method)
        if entry.is_encrypted or not unpack:
            return None
        start, size, crc = bytearray(), 0, 0
        room = min(entry.size, KEPT - self._kept)
        for data in unpack(source, entry.packed):
            size += len(data)
            crc = zlib.crc32(data, crc)
            if size > entry.size:
                raise _rejected(self._file, "zip_wrong_size", entry)
            if len(start) < MAX_TARGET or (start.startswith(ZIP_START) and entry.size <= room):
                start += data
        if size != entry.size or crc != entry.crc:
            raise zip_directory.BrokenZipError
        return bytes(start)


def _read(source: BinaryIO, left: int) -> Iterator[bytes]:
    while left > 0 and (data := source.read(min(CHUNK, left))):
        left -= len(data)
        yield data


def _inflate(source: BinaryIO, packed: int) -> Iterator[bytes]:
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    for data in _read(source, packed):
        pending = data
        while pending and not unpacking.eof:
            yield unpacking.decompress(pending, CHUNK)
            pending = unpacking.unconsumed_tail
    yield unpacking.flush()


def _unpack_bzip2(source: BinaryIO, packed: int) -> Iterator[bytes]:
    unpacking = bz2.BZ2Decompressor()
    for data in _read(source, packed):
        pending = data
        while not unpacking.eof and (pending or not unpacking.needs_input):
            yield unpacking.decompress(pending, CHUNK)
            pending = b""


METHODS = {STORED: _read, DEFLATED: _inflate, BZIP2: _unpack_bzip2}
