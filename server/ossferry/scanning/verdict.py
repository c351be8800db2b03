"""What a look at an upload finds, and the bytes that are looked at."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fastcrc import crc64

PIECE = 1 << 18  # bytes


class Outcome(StrEnum):
    """What is to be done with an upload after a look at it.

    `clean`: nothing was found. `bad`: it must not be released. `unscannable`: nobody could look
    into it, so the operator's choice decides. `later`: the look must be repeated, because a service
    did not answer.
    """

    CLEAN = "clean"
    BAD = "bad"
    UNSCANNABLE = "unscannable"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a look at an upload.

    Attributes:
        reason: what was found, as a sentence for the owner of the upload; for `later`, a clause for
            the operator.
    """

    outcome: Outcome
    reason: str = ""


CLEAN = Verdict(Outcome.CLEAN)


class ChangedError(Exception):
    """The file on the disk is not the object any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The bytes of an upload, in a file on the disk of the scanner.

    Attributes:
        name: the name of the file that was uploaded.
        size: the size in bytes.
        crc64: the CRC-64 of the object as decimal text.
    """

    path: Path
    name: str
    size: int
    crc64: str

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the bytes in pieces; each scanner gets exactly the bytes of the object.

        Raises:
            ChangedError: the file is not the object; the checks may have changed it, if this
                machine cannot lock them in.
        """
        crc = 0
        with self.path.open("rb") as source:
            while piece := await asyncio.to_thread(source.read, PIECE):
                crc = crc64.xz(piece, crc)
                yield piece
        if str(crc) != self.crc64:
            raise ChangedError
