"""The verdict of a scanner about an upload, and the content that scanners read."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fastcrc import crc64

PIECE = 1 << 18  # bytes


class Outcome(StrEnum):
    """The outcome of a scan, which says what happens to the upload.

    `clean`: the scan found nothing. `bad`: the upload must not be released. `unscannable`: no
    scanner can read the content, so the setting `unscannable` decides. `later`: the scan must be
    repeated, because a service did not answer.
    """

    CLEAN = "clean"
    BAD = "bad"
    UNSCANNABLE = "unscannable"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a scan of an upload.

    Attributes:
        reason: what was found, as a sentence for the owner of the upload; for `later`, a clause for
            the operator.
    """

    outcome: Outcome
    reason: str = ""


CLEAN = Verdict(Outcome.CLEAN)


class ChangedError(Exception):
    """Raised if the temporary file of an upload no longer has the bytes of the stored object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The content of an upload, which `ossferry scan` has downloaded into a temporary file.

    Attributes:
        path: the temporary file.
        name: the name of the file that was uploaded.
        size: the size in bytes.
        crc64: the CRC-64 of the object as decimal text.
    """

    path: Path
    name: str
    size: int
    crc64: str

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the content in pieces of at most 256 KiB.

        Raises:
            ChangedError: the content has another CRC-64 than the object, for example because a
                check has changed the temporary file. The error is raised after the last piece.
        """
        crc = 0
        with self.path.open("rb") as source:
            while piece := await asyncio.to_thread(source.read, PIECE):
                crc = crc64.xz(piece, crc)
                yield piece
        if str(crc) != self.crc64:
            raise ChangedError
