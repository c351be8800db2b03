"""Sending a large file in parts, several at a time. Parts that OSS has are not sent again."""

import asyncio

from ossferry_uploader.oss import requests
from ossferry_uploader.oss.errors import Corrupt, Refused
from ossferry_uploader.oss.replies import read_completed, read_stored, read_upload_id
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import KeyTaken
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.options import KEEP_BOTH
from ossferry_uploader.transfer.pacing.task_group import run_all
from ossferry_uploader.transfer.plan import part_at, part_size_for, units_for
from ossferry_uploader.transfer.progress import SentPart
from ossferry_uploader.transfer.sending.abort import remove_orphans
from ossferry_uploader.transfer.sending.checksum import PieceChecksum, check_crc64
from ossferry_uploader.transfer.sending.parts import (
    build_for,
    check_unchanged,
    list_all,
    missing_units,
    proved,
    without_overlaps,
)
from ossferry_uploader.transfer.sending.prepare import examine, headers_of, overwrite_headers
from ossferry_uploader.transfer.sending.settle import check_is_checked, is_stored
from ossferry_uploader.transfer.upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.replies import Reply, Stored
    from ossferry_uploader.oss.requests import Request
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.grants.grant import Grant

__all__ = [
    "complete",
    "finished_before",
    "initiate",
    "send_multipart",
    "send_piece",
]

GONE = "NoSuchUpload"
MENDABLE = ("InvalidPart", "InvalidPartOrder", GONE)
MAX_MENDS = 3
UNPROVED = 2  # parts per connection: about to be sent, in flight, or sent and not yet compared
KEPT_STEPS = 20  # records that are written during an upload


async def send_multipart(upload: "Upload", engine: "Engine") -> "Stored":
    """Send the missing parts, complete the multipart upload, and compare the object's checksum.

    Raises:
        KeyTaken: another object has the key, and the multipart upload does not exist any more.
        OSSError, TransferError: the file was not stored, or its checksum could not be confirmed.
    """
    mends = 0
    while True:
        try:
            if not upload.upload_id:
                await initiate(upload, engine)
            elif upload.record.upload_id != upload.upload_id:
                await engine.journal.begin(upload)  # paused before the record was written
            elif upload.progress.is_unproved:
                await _compare_parts(upload, engine, trusts_own=False)
            else:
                await check_unchanged(upload, engine)  # the upload continues after a pause
            await _send_missing(upload, engine)
            upload.go(states.VERIFYING)
            await check_unchanged(upload, engine)
            return await complete(upload, engine)
        except Refused as error:
            mends += 1
            if mends > MAX_MENDS or error.code not in MENDABLE:
                raise
            if error.code == GONE:
                stored = await finished_before(upload, engine)
                if stored:
                    return stored
                upload.forget_parts()
            else:
                await _compare_parts(upload, engine, trusts_own=True)
            if upload.state == states.VERIFYING:
                upload.go(states.UPLOADING)


async def initiate(upload: "Upload", engine: "Engine") -> None:
    """Create a multipart upload and write its record. A stream gets no record.

    Raises:
        OSSError, TransferError: the multipart upload cannot be created.
    """
    if not upload.progress.part_size:
        part_size = part_size_for(upload.file.size, rate_bytes_per_s=_rate(engine))
        upload.progress.plan(part_size)
    if not upload.target.content_type:  # continued from a record, so not examined yet
        upload.target.describe(content_type="", sha256="")  # the SHA-256 in the record may be wrong
        await engine.persist(upload, lambda: examine(upload, engine))
    headers = headers_of(upload, may_be_taken=True)

    def build(grant: "Grant", now_s: float) -> "Request":
        upload.progress.ask_to_begin()
        return requests.initiate_multipart_upload(
            grant.credentials,
            grant.bucket,
            upload.key,
            at_s=now_s,
            headers=headers,
        )

    def read(reply: "Reply") -> str:
        if 400 <= reply.status < 500:
            upload.progress.begin_refused()
        return read_upload_id(reply)

    upload.progress.begun(await engine.request(upload, build, read), upload.made)
    await engine.journal.begin(upload)
    if upload.progress.unanswered_begins:
        asyncio.create_task(remove_orphans(upload, engine))  # noqa: RUF006 - it ends by itself


async def finished_before(upload: "Upload", engine: "Engine") -> "Stored | None":
    """Check whether a multipart upload that OSS does not find any more was completed.

    OSS removes a multipart upload when the upload is complete. The page does not know about the
    completion if the answer to CompleteMultipartUpload was lost, or if another device completed the
    upload.

    Returns:
        The `Stored` data of the object; `None` if the file is not stored under the key.

    Raises:
        KeyTaken: another object, which this upload did not store, has the key.
    """
    if not (upload.progress.is_unproved or upload.progress.is_complete()):
        return None  # parts are missing, so the upload was not completed
    if upload.state == states.UPLOADING:
        upload.go(states.VERIFYING)
    try:
        return await is_stored(upload, engine)
    except Corrupt as error:
        if upload.target.may_replace or upload.options.same_name != KEEP_BOTH:
            return None
        raise KeyTaken(str(error))


async def _compare_parts(upload: "Upload", engine: "Engine", *, trusts_own: bool) -> None:
    """Make `upload.progress.parts` the parts in OSS that match the file.

    The other parts are sent again. OSS can have parts that this page did not send, of other sizes,
    from another device or page.

    Args:
        trusts_own: whether a part of `upload.progress` with the listed ETag and size is not read
            again.
    """
    progress = upload.progress
    listed = without_overlaps(await list_all(upload, engine), progress.part_size)
    sizes = {stored.number: stored.size for stored in listed}
    for number in list(progress.parts):
        if sizes.get(number) != progress.parts[number].size:
            progress.drop(number)
    for stored in listed:
        ours = progress.parts.get(stored.number)
        if trusts_own and ours and ours.etag == stored.etag:
            continue
        part = await proved(upload, engine, stored)
        if part:
            progress.land(stored.number, part)
        elif upload.target.cipher:
            raise KeyTaken("the file has changed; other bytes need another data key")
        else:
            progress.drop(stored.number)
    progress.prove()


async def _send_missing(upload: "Upload", engine: "Engine") -> None:
    """Send all units that OSS does not have.

    If the speed is unknown, no part waits behind those in flight, because it would be too small.
    """
    missing = missing_units(upload)
    is_measured = asyncio.Event()
    if _rate(engine):
        is_measured.set()

    async def worker() -> None:
        while missing:
            await _send_part(upload, engine, missing.pop(0), missing)
            is_measured.set()

    async def later_worker() -> None:
        await is_measured.wait()
        await worker()

    connections = engine.pool.connections
    workers = [worker] * connections + [later_worker] * ((UNPROVED - 1) * connections)
    await run_all(workers[: len(missing)])


async def _send_part(upload: "Upload", engine: "Engine", number: int, missing: "list[int]") -> None:
    """Send a part.

    Args:
        number: the number of the part.
        missing: the next units, from which the part takes those that it sends.
    """
    file, progress = upload.file, upload.progress
    part_size, wanted, units = progress.part_size, progress.units.get(number, 0), 1
    if not wanted and number > 1:  # the server reads the size of a unit from the first part
        left = len(missing) + 1
        wanted = units_for(file.size, part_size, rate_bytes_per_s=_rate(engine), missing=left)
    while units < wanted and missing and missing[0] == number + units:
        missing.pop(0)
        units += 1
    progress.units[number] = units
    part = part_at(number, file.size, part_size, units=units)
    await send_piece(upload, engine, number, Piece(file, part.offset, part.size))
    if upload.progress.arrived - upload.record.arrived > file.size // KEPT_STEPS:
        await engine.journal.keep(upload)


def _rate(engine: "Engine") -> float:
    """Return the speed of one connection in bytes per second; 0 if unknown."""
    return engine.speed.traffic_limit / 8 or engine.rate_bytes_per_s


async def send_piece(upload: "Upload", engine: "Engine", number: int, piece: Piece) -> None:
    """Send one part, and repeat the request until OSS confirms the checksum.

    Args:
        number: the part number.
        piece: the bytes of the part.

    Raises:
        OSSError, TransferError: the request failed, and the error allows no further retry.
    """
    is_encrypted = upload.target.cipher is not None
    checksum = PieceChecksum(
        piece, lambda piece: engine.crc64(upload, piece), is_encrypted=is_encrypted
    )
    landed: SentPart | None = None

    def build(grant: "Grant", now_s: float) -> "Request":
        checksum.start()  # not before the request has a connection
        return requests.upload_part(
            grant.credentials,
            grant.bucket,
            upload.key,
            at_s=now_s,
            upload_id=upload.upload_id,
            number=number,
            traffic_limit=engine.speed.traffic_limit,
        )

    try:
        stored = await engine.request(
            upload,
            build,
            read_stored,
            body=piece,
            on_progress=lambda sent: upload.progress.fly(number, sent),
            check=checksum.check,
        )
        landed = SentPart(stored.etag, await checksum.get(), piece.size)
    finally:
        checksum.cancel()
        engine.release(piece)
        upload.progress.land(number, landed)


async def complete(upload: "Upload", engine: "Engine") -> "Stored":
    """Complete the multipart upload, and compare the checksums of the object and the parts.

    Raises:
        OSSError, TransferError: the upload was not completed, or the checksums differ.
        FileUnreadable: the file was replaced after its checks.
    """
    numbers = sorted(upload.progress.parts)
    end = _end_of(upload, numbers)
    if end != upload.file.size:
        raise Corrupt("bytes in parts", expected=str(upload.file.size), actual=str(end))
    crc64 = upload.progress.combined_crc64()
    await check_is_checked(upload, engine, str(crc64))
    body = requests.complete_body(
        [(number, upload.progress.parts[number].etag) for number in numbers]
    )
    stored: Stored = await engine.request(
        upload,
        build_for(
            requests.complete_multipart_upload,
            upload,
            headers=overwrite_headers(upload, may_be_taken=True),
        ),
        read_completed,
        body=body,
    )
    try:
        check_crc64(crc64, stored)
    except Corrupt as error:
        upload.target.refuse(stored, size=upload.file.size, crc64=error.expected)
        upload.target.allow_replacing()
        raise
    upload.target.replace_refused()
    return stored


def _end_of(upload: "Upload", numbers: "list[int]") -> int:
    """Return the number of bytes, from the start of the file, that the parts have without a gap.

    Args:
        numbers: the numbers of all parts, in order.
    """
    progress, end = upload.progress, 0
    if upload.is_stream:
        return progress.arrived  # the parts of a stream have no units
    for number in numbers:
        if (number - 1) * progress.part_size != end:
            break
        end += progress.parts[number].size
    return end
