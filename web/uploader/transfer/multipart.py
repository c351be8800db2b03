"""A large file goes in parts, several at a time; what OSS has is never sent again."""

from uploader.oss import requests
from uploader.oss.crc64 import combine, shift_of
from uploader.oss.errors import Refused
from uploader.oss.replies import (
    read_aborted,
    read_completed,
    read_parts,
    read_stored,
    read_upload_id,
)
from uploader.transfer import states
from uploader.transfer.checksum import PieceChecksum, check_crc64
from uploader.transfer.plan import part_at, part_count, part_size_for
from uploader.transfer.ports import Piece
from uploader.transfer.upload import SentPart, Upload
from uploader.transfer.workers import run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.oss.replies import Stored, StoredPart
    from uploader.oss.requests import Request
    from uploader.transfer.checkpoint import Checkpoint
    from uploader.transfer.engine import Engine
    from uploader.transfer.grant import Grant

__all__ = ["abort", "discard", "send_multipart"]

GONE = "NoSuchUpload"
MENDABLE = ("InvalidPart", "InvalidPartOrder", GONE)
MAX_MENDS = 3
KEPT_STEPS = 20  # checkpoints in the course of an upload


async def send_multipart(upload: "Upload", engine: "Engine") -> "Stored":
    """Send what is missing, put the parts together, and compare checksums of the whole.

    Raises:
        OSSError, TransferError: it did not arrive, or is not proved to be whole.
    """
    mends = 0
    while True:
        try:
            if not upload.upload_id:
                await _initiate(upload, engine)
            elif upload.adopted:
                await _prove_parts(upload, engine)
            await _send_missing(upload, engine)
            upload.go(states.VERIFYING)
            return await _complete(upload, engine)
        except Refused as error:
            mends += 1
            if mends > MAX_MENDS or error.code not in MENDABLE:
                raise
            if error.code == GONE:
                upload.forget_parts()
            else:
                await _believe_oss(upload, engine)
            if upload.state == states.VERIFYING:
                upload.go(states.UPLOADING)


async def discard(record: "Checkpoint", engine: "Engine") -> None:
    """Remove what an earlier page left at OSS, and its checkpoint.

    Raises:
        OSSError, TransferError: it could not be removed; the checkpoint stays then.
    """
    upload = Upload(record.file(), lambda _upload: None)
    upload.take_over(record)
    await abort(upload, engine)


async def abort(upload: "Upload", engine: "Engine") -> None:
    """Remove the upload and its parts from OSS, and make sure of it.

    Parts in flight when OSS aborts may be kept, so it is asked again until it knows nothing.

    Raises:
        OSSError, TransferError: it could not be removed.
    """
    while upload.upload_id:
        await engine.request(upload, _build(requests.abort_multipart_upload, upload), read_aborted)
        try:
            await _list(upload, engine, 0)
        except Refused as error:
            if error.code != GONE:
                raise
            upload.forget_parts()
    await engine.journal.forget(upload.key)


async def _initiate(upload: "Upload", engine: "Engine") -> None:
    if not upload.part_size:
        upload.part_size = part_size_for(upload.file.size)

    def build(grant: "Grant", now_s: float) -> "Request":
        return requests.initiate_multipart_upload(
            grant.credentials,
            grant.bucket,
            upload.key,
            at_s=now_s,
            content_type=upload.file.content_type,
            name=upload.file.name,
        )

    upload.upload_id = await engine.request(upload, build, read_upload_id)
    await engine.journal.keep(upload)


async def _prove_parts(upload: "Upload", engine: "Engine") -> None:
    """Find out what an earlier page sent, and that it was this very file.

    A part counts only if OSS's checksum of it equals that of the bytes we have now.
    """
    for stored in (await _list_all(upload, engine)).values():
        if not 1 <= stored.number <= part_count(upload.file.size, upload.part_size):
            continue
        part = part_at(stored.number, upload.file.size, upload.part_size)
        if stored.size != part.size or not stored.crc64:
            continue
        piece = Piece(upload.file, part.offset, part.size)
        crc64 = await engine.ports.checksum.crc64(piece)
        if str(crc64) == stored.crc64:
            upload.land(part.number, SentPart(stored.etag, crc64, part.size))
    upload.adopted = False


async def _send_missing(upload: "Upload", engine: "Engine") -> None:
    count = part_count(upload.file.size, upload.part_size)
    missing = iter([number for number in range(1, count + 1) if number not in upload.parts])
    workers = min(engine.budget.most, count - len(upload.parts))

    async def worker() -> None:
        for number in missing:
            await _send_part(upload, engine, number)

    await run_all([worker] * workers)


async def _send_part(upload: "Upload", engine: "Engine", number: int) -> None:
    part = part_at(number, upload.file.size, upload.part_size)
    piece = Piece(upload.file, part.offset, part.size)
    checksum = PieceChecksum(engine.ports.checksum, piece)
    landed: SentPart | None = None
    try:
        stored = await engine.request(
            upload,
            _build(requests.upload_part, upload, number=number),
            read_stored,
            body=piece,
            on_progress=lambda sent: upload.fly(number, sent),
            check=checksum.check,
        )
        landed = SentPart(stored.etag, await checksum.get(), part.size)
    finally:
        checksum.cancel()
        upload.land(number, landed)
    if upload.sent - upload.kept > upload.file.size // KEPT_STEPS:
        await engine.journal.keep(upload)


async def _complete(upload: "Upload", engine: "Engine") -> "Stored":
    numbers = sorted(upload.parts)
    body = requests.complete_body([(number, upload.parts[number].etag) for number in numbers])
    stored: Stored = await engine.request(
        upload,
        _build(requests.complete_multipart_upload, upload),
        read_completed,
        body=body,
    )
    check_crc64(_whole_crc64(upload), stored)
    return stored


def _whole_crc64(upload: "Upload") -> int:
    """Combine the checksums of all parts; all but the last have one size."""
    shift, shifted_size, crc = 0, -1, 0
    for number in sorted(upload.parts):
        part = upload.parts[number]
        if part.size != shifted_size:
            shift, shifted_size = shift_of(part.size), part.size
        crc = combine(crc, part.crc64, shift)
    return crc


async def _believe_oss(upload: "Upload", engine: "Engine") -> None:
    """Drop the parts that OSS does not have as we think it has them."""
    stored = await _list_all(upload, engine)
    for number in list(upload.parts):
        there, ours = stored.get(number), upload.parts[number]
        if not there or there.etag != ours.etag or there.size != ours.size:
            upload.drop(number)


async def _list_all(upload: "Upload", engine: "Engine") -> "dict[int, StoredPart]":
    stored: dict[int, StoredPart] = {}
    after = 0
    while True:
        parts, after = await _list(upload, engine, after)
        stored.update([(part.number, part) for part in parts])
        if not after:
            return stored


async def _list(upload: "Upload", engine: "Engine", after: int) -> "tuple[list[StoredPart], int]":
    build = _build(requests.list_parts, upload, after=after)
    listed: tuple[list[StoredPart], int] = await engine.request(upload, build, read_parts)
    return listed


def _build(
    operation: "Callable[..., Request]", upload: "Upload", **more: int
) -> "Callable[[Grant, float], Request]":
    """Return a builder for an operation on this upload's id."""

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
