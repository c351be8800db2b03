"""Listing the parts of a multipart upload in OSS, and comparing them with the file."""

from ossferry_uploader.oss import requests
from ossferry_uploader.oss.replies import read_parts
from ossferry_uploader.transfer.errors import FileUnreadable
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.pacing.task_group import run_all
from ossferry_uploader.transfer.plan import part_at, part_count
from ossferry_uploader.transfer.progress import SentPart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.oss.replies import StoredPart
    from ossferry_uploader.oss.requests import Request
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.upload import Upload

__all__ = [
    "build_for",
    "check_unchanged",
    "list_all",
    "list_page",
    "missing_units",
    "proved",
    "without_overlaps",
]

REREAD_BYTES = 128 * 1024 * 1024
AT_ONCE = 4  # reads; the browser needs a millisecond or two to begin each


async def proved(upload: "Upload", engine: "Engine", stored: "StoredPart") -> "SentPart | None":
    """Compare a part in OSS with the same part of the file.

    Returns:
        The part with its CRC-64; `None` if the number, the size or the CRC-64 does not match.
    """
    size, part_size = upload.file.size, upload.progress.part_size
    if not 1 <= stored.number <= part_count(size, part_size):
        return None
    part = part_at(stored.number, size, part_size, units=max(1, part_count(stored.size, part_size)))
    if stored.size != part.size or not stored.crc64:
        return None
    crc64 = await engine.crc64(upload, Piece(upload.file, part.offset, part.size))
    return SentPart(stored.etag, crc64, part.size) if str(crc64) == stored.crc64 else None


def missing_units(upload: "Upload") -> "list[int]":
    """Return the numbers of all units of the file that OSS does not have."""
    progress, there = upload.progress, set()
    for number in progress.parts:
        for unit in range(part_count(progress.parts[number].size, progress.part_size)):
            there.add(number + unit)
    count = part_count(upload.file.size, progress.part_size)
    return [number for number in range(1, count + 1) if number not in there]


def without_overlaps(stored: "dict[int, StoredPart]", part_size: int) -> "list[StoredPart]":
    """Return the parts in order, without those that begin inside an earlier part.

    Parts overlap if an answer was lost, and the page has sent these bytes again in other parts.

    Args:
        stored: the parts by number.
        part_size: the size of a unit in bytes.
    """
    kept: list[StoredPart] = []
    free = 1
    for number in sorted(stored):
        if number >= free:
            kept.append(stored[number])
            free = number + part_count(stored[number].size, part_size)
    return kept


async def check_unchanged(upload: "Upload", engine: "Engine") -> None:
    """Check that the file still has the bytes that were sent.

    If the file has changed, the object would be a mixture of two files. Browsers do not detect all
    changes: Firefox detects no change after the person chose the file, and no browser detects a new
    file with the same size and time of change.

    Up to about `REREAD_BYTES` bytes are read again, in parts that are evenly distributed over the
    file.

    Raises:
        FileUnreadable: the file has changed, or cannot be read any more.
    """
    last = Piece(upload.file, upload.file.size - 1, 1)
    await engine.persist(upload, lambda: engine.ports.checksum.crc64(last))
    numbers = sorted(upload.progress.parts)
    step = max(1, -(-upload.progress.arrived // REREAD_BYTES))
    waiting = [numbers[at] for at in range(0, len(numbers), step)]

    async def compare() -> None:
        while waiting:
            number = waiting.pop(0)
            sent, offset = upload.progress.parts[number], (number - 1) * upload.progress.part_size
            crc64 = await engine.crc64(upload, Piece(upload.file, offset, sent.size))
            if crc64 != sent.crc64:
                raise FileUnreadable(f"part {number} has other bytes than were sent", changed=True)

    await run_all([compare] * AT_ONCE)


async def list_all(upload: "Upload", engine: "Engine") -> "dict[int, StoredPart]":
    """Return the stored parts of a multipart upload, by part number.

    Raises:
        OSSError, TransferError: OSS did not return the list.
    """
    stored: dict[int, StoredPart] = {}
    after = 0
    while True:
        parts, after = await list_page(upload, engine, after)
        stored.update([(part.number, part) for part in parts])
        if not after:
            return stored


async def list_page(
    upload: "Upload", engine: "Engine", after: int
) -> "tuple[list[StoredPart], int]":
    """Return one page of OSS's list of the parts of a multipart upload.

    Args:
        after: a part number. The page lists up to 1,000 parts with higher numbers.

    Returns:
        The parts, and the value of `after` for the next page; 0 if there is no next page.

    Raises:
        OSSError, TransferError: OSS did not return the list.
    """
    build = build_for(requests.list_parts, upload, after=after)
    listed: tuple[list[StoredPart], int] = await engine.request(
        upload, build, lambda reply: read_parts(reply, after)
    )
    return listed


def build_for(
    operation: "Callable[..., Request]", upload: "Upload", **more: "Any"
) -> "Callable[[Grant, float], Request]":
    """Return a function `build(grant, now_s)`, which builds a request for a multipart upload.

    Args:
        operation: the function that makes the request, for example `requests.list_parts`.
        more: additional arguments for `operation`.
    """

    def build(grant: "Grant", now_s: float) -> "Request":
        return operation(
            grant.credentials,
            grant.bucket,
            upload.key,
            at_s=now_s,
            upload_id=upload.upload_id,
            **more,
        )

    return build
