"""Send a large file in parts, several at a time. Parts that OSS already has are not sent again."""

import asyncio

from ossferry_uploader.oss.errors import Corrupt, Refused
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileUnreadable, KeyTaken
from ossferry_uploader.transfer.files import Piece, piece_at
from ossferry_uploader.transfer.options import KEEP_BOTH
from ossferry_uploader.transfer.pacing.task_group import run_all
from ossferry_uploader.transfer.plan import part_count, part_size_for, units_for
from ossferry_uploader.transfer.progress import SentPart
from ossferry_uploader.transfer.sending.checksum import check_crc64
from ossferry_uploader.transfer.sending.client import GONE, Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.replies import Stored, StoredPart
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.upload import Upload

MENDABLE = ("InvalidPart", "InvalidPartOrder", GONE)
MAX_MENDS = 3
UNPROVED = 2  # parts per connection: about to be sent, in flight, or sent and not yet compared
KEPT_STEPS = 20  # records that are written during an upload
REREAD_BYTES = 128 * 1024 * 1024
AT_ONCE = 4  # reads; the browser needs a millisecond or two to begin each


async def send_multipart(oss: "Client") -> "Stored":
    """Send the missing parts, complete the multipart upload, and compare the object's checksum.

    If OSS no longer has the multipart upload, and the file is not stored, remove its id and parts
    from the upload's progress, and raise the error of OSS. The upload has to be prepared again.

    Args:
        oss: the client of the upload.

    Returns:
        ETag, CRC-64 and request id of the object.

    Raises:
        KeyTaken: OSS no longer has the multipart upload, and another object has the key.
        OSSError, TransferError: the file was not stored, or its checksum could not be confirmed.
    """
    upload, mends = oss.upload, 0
    while True:
        try:
            if not upload.upload_id:
                await initiate(oss)
            elif upload.record.upload_id != upload.upload_id:
                await begin(oss)  # paused before the record was written
            elif upload.progress.is_unproved:
                await _compare_parts(oss, trusts_own=False)
            else:
                await check_unchanged(oss)  # the upload continues after a pause
            await _send_missing(oss)
            upload.go(states.VERIFYING)
            await check_unchanged(oss)
            return await complete(oss)
        except Refused as error:
            mends += 1
            if mends > MAX_MENDS or error.code not in MENDABLE:
                raise
            stored = await _mend(oss, error)
            if stored:
                return stored


async def _mend(oss: "Client", error: Refused) -> "Stored | None":
    """Find out which parts OSS has, after OSS has refused a part or the end.

    Returns:
        The `Stored` data of the object, if the file is stored; `None` if parts are missing.

    Raises:
        Refused: the multipart upload does not exist any more; this is `error`.
    """
    upload = oss.upload
    if error.code == GONE:
        stored = await finished_before(oss)
        if stored:
            return stored
        upload.clear_parts()
        upload.target.sha256 = ""  # that of a record may be wrong
        oss.engine.journal.unlock(upload.key)
    else:
        await _compare_parts(oss, trusts_own=True)
    if upload.state == states.VERIFYING:
        upload.go(states.UPLOADING)
    if not upload.upload_id:
        raise error
    return None


async def initiate(oss: "Client") -> None:
    """Create a multipart upload in OSS, and write its record to the browser's storage.

    An upload of a stream gets no record, because it cannot continue after a reload.

    Args:
        oss: the client of the upload.

    Raises:
        OSSError, TransferError: the multipart upload cannot be created.
    """
    upload, progress = oss.upload, oss.upload.progress
    if not progress.part_size:
        rate = _part_rate(oss.engine)
        progress.part_size = part_size_for(upload.file.size, rate_bytes_per_s=rate)
    await oss.initiate()
    await begin(oss)
    if progress.unanswered_begins:
        asyncio.create_task(oss.abort_orphans())  # noqa: RUF006 - it ends by itself


def _part_rate(engine: "Engine") -> float:
    """Return the speed limit or the measured speed of one connection, in bytes per second, or 0."""
    return engine.speed.traffic_limit / 8 or engine.rate_bytes_per_s


async def begin(oss: "Client") -> None:
    """Take the lock of a multipart upload, and write its first record to the browser's storage.

    The storage has one record for each file and object key. A closed page may have left in it the
    id of another multipart upload, for example if this browser and another device have both started
    the same file. In this case, the parts of that multipart upload are first removed from OSS,
    because the new record overwrites the id.

    Args:
        oss: the client of the upload.

    Raises:
        OSSError, TransferError: the parts cannot be removed; their record stays.
    """
    journal = oss.engine.journal
    replaced = await journal.lock(oss.upload)
    if replaced:
        await oss.abort_orphan(oss.engine, replaced.key, replaced.upload_id)
    await journal.begin(oss.upload)


async def finished_before(oss: "Client") -> "Stored | None":
    """Check whether a multipart upload that OSS no longer has was completed.

    OSS removes a multipart upload when it is completed. The page does not know that if the reply to
    CompleteMultipartUpload was lost, or if another device completed the upload.

    Returns:
        ETag, CRC-64 and request id of the object; `None` if the file is not stored with the
        upload's key.

    Raises:
        KeyTaken: another object, which this upload did not store, has the key.
    """
    upload = oss.upload
    if not (upload.progress.is_unproved or upload.progress.is_complete()):
        return None  # parts are missing, so the upload was not completed
    if upload.state == states.UPLOADING:
        upload.go(states.VERIFYING)
    try:
        return await oss.confirm()
    except Corrupt as error:
        if upload.target.may_replace or upload.options.same_name != KEEP_BOTH:
            return None
        raise KeyTaken(str(error))


async def _compare_parts(oss: "Client", *, trusts_own: bool) -> None:
    """Make `upload.progress.parts` the parts in OSS that match the file.

    The other parts are sent again. OSS can have parts that this page did not send, of other sizes,
    from another device or page.

    Args:
        trusts_own: whether a part of `upload.progress` with the listed ETag and size is not read
            again.
    """
    progress = oss.upload.progress
    listed = without_overlaps(await oss.parts(), progress.part_size)
    sizes = {stored.number: stored.size for stored in listed}
    for number in list(progress.parts):
        if sizes.get(number) != progress.parts[number].size:
            progress.lose(number)
    for stored in listed:
        ours = progress.parts.get(stored.number)
        if trusts_own and ours and ours.etag == stored.etag:
            continue
        part = await proved(oss, stored)
        if part:
            progress.land(stored.number, part)
        elif oss.upload.target.cipher:
            raise KeyTaken("the file has changed; other bytes need another data key")
        else:
            progress.lose(stored.number)
    progress.is_unproved = False


async def proved(oss: "Client", stored: "StoredPart") -> "SentPart | None":
    """Compare a part in OSS with the same bytes of the upload's file.

    Args:
        oss: the client of the upload.
        stored: the part in OSS's list of parts.

    Returns:
        The part with its CRC-64; `None` if its number, size or CRC-64 does not fit the file.
    """
    file, part_size = oss.upload.file, oss.upload.progress.part_size
    if not 1 <= stored.number <= part_count(file.size, part_size):
        return None
    units = max(1, part_count(stored.size, part_size))
    piece = piece_at(file, stored.number, part_size, units=units)
    if stored.size != piece.size or not stored.crc64:
        return None
    crc64 = await oss.crc64(piece)
    return SentPart(stored.etag, crc64, piece.size) if str(crc64) == stored.crc64 else None


def without_overlaps(stored: "dict[int, StoredPart]", part_size: int) -> "list[StoredPart]":
    """Return the parts in the order of their numbers, without parts that overlap an earlier part.

    Parts overlap if a reply was lost and the page sent the same bytes again in parts of other
    sizes.

    Args:
        stored: the parts by part number.
        part_size: the size in bytes of a unit, of which each part has one or more.
    """
    kept: list[StoredPart] = []
    free = 1
    for number in sorted(stored):
        if number >= free:
            kept.append(stored[number])
            free = number + part_count(stored[number].size, part_size)
    return kept


async def check_unchanged(oss: "Client") -> None:
    """Check that the upload's file still has the bytes that were sent.

    If the file has changed, the object would be a mixture of two files. Browsers do not detect all
    changes: Firefox detects no change after the person chose the file, and no browser detects a new
    file with the same size and time of change.

    About `REREAD_BYTES` bytes at most are read again, in parts that are evenly distributed over the
    file.

    Raises:
        FileUnreadable: the file has changed, or cannot be read any more.
    """
    file, progress = oss.upload.file, oss.upload.progress
    await oss.plain_crc64(Piece(file, file.size - 1, 1))
    numbers = sorted(progress.parts)
    step = max(1, -(-progress.arrived // REREAD_BYTES))
    waiting = [numbers[at] for at in range(0, len(numbers), step)]

    async def compare() -> None:
        while waiting:
            number = waiting.pop(0)
            sent, offset = progress.parts[number], (number - 1) * progress.part_size
            if await oss.crc64(Piece(file, offset, sent.size)) != sent.crc64:
                raise FileUnreadable(f"part {number} has other bytes than were sent", changed=True)

    await run_all([compare] * AT_ONCE)


def _missing_units(upload: "Upload") -> "list[int]":
    """Return the numbers of all units of the file that OSS does not have."""
    progress, there = upload.progress, set()
    for number in progress.parts:
        for unit in range(part_count(progress.parts[number].size, progress.part_size)):
            there.add(number + unit)
    count = part_count(upload.file.size, progress.part_size)
    return [number for number in range(1, count + 1) if number not in there]


async def _send_missing(oss: "Client") -> None:
    """Send all units that OSS does not have.

    If the speed is unknown, no part waits behind those in flight, because it would be too small.
    """
    missing = _missing_units(oss.upload)
    is_measured = asyncio.Event()
    if _part_rate(oss.engine):
        is_measured.set()

    async def worker() -> None:
        while missing:
            await _send_part(oss, missing.pop(0), missing)
            is_measured.set()

    async def later_worker() -> None:
        await is_measured.wait()
        await worker()

    connections = oss.engine.pool.connections
    workers = [worker] * connections + [later_worker] * ((UNPROVED - 1) * connections)
    await run_all(workers[: len(missing)])


async def _send_part(oss: "Client", number: int, missing: "list[int]") -> None:
    """Send a part.

    Args:
        number: the number of the part.
        missing: the next units, from which the part takes those that it sends.
    """
    upload, file, progress = oss.upload, oss.upload.file, oss.upload.progress
    part_size, wanted, units = progress.part_size, progress.units.get(number, 0), 1
    if not wanted and number > 1:  # the server reads the size of a unit from the first part
        left, rate = len(missing) + 1, _part_rate(oss.engine)
        wanted = units_for(file.size, part_size, rate_bytes_per_s=rate, missing=left)
    while units < wanted and missing and missing[0] == number + units:
        missing.pop(0)
        units += 1
    progress.units[number] = units
    await oss.part(number, piece_at(file, number, part_size, units=units))
    if progress.arrived - upload.record.arrived > file.size // KEPT_STEPS:
        await oss.engine.journal.keep(upload)


async def complete(oss: "Client") -> "Stored":
    """Complete the multipart upload, and compare the CRC-64 of the object with that of its parts.

    Raises:
        OSSError, TransferError: the upload was not completed, or the checksums differ.
        FileUnreadable: the file was replaced after the server's checks had read it.
    """
    upload = oss.upload
    end = _end_of(upload)
    if end != upload.file.size:
        raise Corrupt("bytes in parts", expected=str(upload.file.size), actual=str(end))
    crc64 = upload.progress.combined_crc64()
    await oss.check_is_checked(str(crc64))
    stored = await oss.complete()
    try:
        check_crc64(crc64, stored)
    except Corrupt as error:
        upload.target.refuse(stored, size=upload.file.size, crc64=error.expected)
        upload.target.may_replace = True
        raise
    upload.target.replace_refused()
    return stored


def _end_of(upload: "Upload") -> int:
    """Return the number of bytes, from the start of the file, that the parts have without a gap."""
    progress, end = upload.progress, 0
    if upload.is_stream:
        return progress.arrived  # the parts of a stream have no units
    for number in sorted(progress.parts):
        if (number - 1) * progress.part_size != end:
            break
        end += progress.parts[number].size
    return end
