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
from uploader.transfer.upload import SentPart
from uploader.transfer.workers import run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.oss.replies import Stored, StoredPart
    from uploader.oss.requests import Request
    from uploader.transfer.engine import Engine
    from uploader.transfer.grant import Grant
    from uploader.transfer.upload import Upload

__all__ = ["abort", "send_multipart"]

GONE = "NoSuchUpload"
MENDABLE = ("InvalidPart", "InvalidPartOrder", GONE)
MAX_MENDS = 3


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
    stored: dict[int, StoredPart] = {}
    after = 0
    while True:
        parts, after = await _list(upload, engine, after)
        stored.update([(part.number, part) for part in parts])
        if not after:
            break
    for number in list(upload.parts):
        there, ours = stored.get(number), upload.parts[number]
        if not there or there.etag != ours.etag or there.size != ours.size:
            upload.drop(number)


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
