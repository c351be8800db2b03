"""The client of one upload: it sends requests to OSS and the server, and reads the file.

Each method waits until it has what it needs: a connection, credentials, the network, the server,
the person's login or quota. It repeats failed attempts by the rules in `pacing.retry`, and raises
the error that no rule allows to retry.
"""

from ossferry_uploader.oss.encoding import percent_encode
from ossferry_uploader.oss.encryption import encryption_headers
from ossferry_uploader.oss.errors import (
    RENEW_CREDENTIALS,
    SET_CLOCK,
    Corrupt,
    Lost,
    OSSError,
    Refused,
)
from ossferry_uploader.oss.requests import (
    INITIATE,
    PUT_OBJECT,
    Bucket,
    Operation,
    Request,
    abort_multipart_upload,
    complete_multipart_upload,
    initiate_multipart_upload,
    list_parts,
    put_object,
    sign,
    upload_part,
)
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import (
    FileUnreadable,
    PartsLeft,
    QuotaExceeded,
    ServerRefused,
    TransferError,
)
from ossferry_uploader.transfer.files import LostFile, Piece
from ossferry_uploader.transfer.options import KEEP_BOTH, REFUSE, object_headers
from ossferry_uploader.transfer.pacing.connections import LONG, PLAIN, SMALL
from ossferry_uploader.transfer.pacing.retry import (
    ALLOWANCE_S,
    backoff_s,
    is_congestion,
    is_service_error,
    is_shut_out,
    outage_s,
    retry_after,
    tries_for,
    waits_for,
)
from ossferry_uploader.transfer.plan import MAX_SINGLE_BYTES, SMALL_BYTES
from ossferry_uploader.transfer.progress import SentPart
from ossferry_uploader.transfer.sending.checksum import PieceChecksum
from ossferry_uploader.transfer.target import UNANSWERED, UNREADABLE
from ossferry_uploader.transfer.timeline import Timing
from ossferry_uploader.transfer.upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from ossferry_uploader.oss.replies import Stored, StoredPart
    from ossferry_uploader.oss.signing import Header
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.grants.grant import Grant

    T = TypeVar("T")

GONE = "NoSuchUpload"
FORBID_OVERWRITE = ("x-oss-forbid-overwrite", "true")
MAX_ABORTS = 8
MAX_REPAIRS = 2
ERRORS_TOLD_S = 5.0  # of error answers before they are shown; most end sooner
LONG_S = 300.0  # longer than any timeout: the attempt has sent bytes, or has waited for its turn
WORTH_TELLING_S = 1.0  # a message about a shorter wait would be too brief to read


class Client:
    """Sends the requests of one upload, and reads its file.

    Every method retries temporary errors, and raises an `OSSError` or a `TransferError` if no
    further try is allowed. If OSS refuses a request because of old credentials or a wrong time,
    the client renews the credentials or corrects the clock before it sends the request again.
    """

    def __init__(self, engine: "Engine", upload: "Upload") -> None:
        self.engine = engine
        self.upload = upload
        self._may_be_form = True  # a large file; its form has no progress, so it is tried once

    # The grant

    async def grant(self) -> "Grant":
        """Return the current grant.

        If the records of unfinished uploads were not read from the browser's storage before, read
        them first.
        """
        return await self.repeat(self._grant)

    async def _grant(self) -> "Grant":
        await self.engine.journal.load()
        return await self.engine.keeper.get()

    async def reserve(self) -> "Grant":
        """Reserve quota for the upload's file, and return the current grant.

        If too little quota is left, the upload pauses until enough is left.
        """
        return await self.repeat(self._reserve)

    async def _reserve(self) -> "Grant":
        quota, upload, keeper = self.engine.quota, self.upload, self.engine.keeper
        for ask in (keeper.get, keeper.renewed):
            grant = await ask()
            quota.granted(grant.left)
            if quota.take(upload.number, upload.file.size):
                return grant
        raise QuotaExceeded(f"{quota.left().facts()} left, {upload.file.size} bytes needed")

    # The file

    @property
    def whole(self) -> Piece:
        """The whole file of the upload as one `Piece`."""
        return Piece(self.upload.file, 0, self.upload.file.size)

    async def plain_crc64(self, piece: "Piece | None" = None) -> int:
        """Return the CRC-64 of a piece of the unencrypted file; by default of the whole file."""
        return await self.repeat(self.engine.ports.checksum.crc64, piece or self.whole)

    async def crc64(self, piece: "Piece | None" = None) -> int:
        """Return the CRC-64 of the bytes that are sent for a piece; by default for the whole file.

        If the file is encrypted before it is sent, these are the encrypted bytes.

        Raises:
            FileUnreadable: the file is gone or has changed, or the page may not read it.
            CannotEncrypt: the browser cannot encrypt in this page.
        """
        cipher = self.upload.target.cipher
        if not cipher:
            return await self.plain_crc64(piece)
        encryption = self.engine.ports.encryption
        return await self.repeat(encryption.crc64, piece or self.whole, cipher)

    async def is_checked(self, crc64: str) -> bool:
        """Return whether the file that was sent is the same as the file that the checks have read.

        The result is also `True` if no check ran, or if the file that was sent is a new file that
        the checks have made from the person's file. If the file was encrypted, it is read once
        more, because OSS knows only the CRC-64 of the encrypted bytes.

        Args:
            crc64: the CRC-64, in decimal, of the bytes that were sent.
        """
        checked = self.upload.check.crc64
        if checked and self.upload.target.cipher:
            crc64 = str(await self.plain_crc64())
        return checked in ("", crc64)

    async def check_is_checked(self, crc64: str) -> None:
        """Raise `FileUnreadable` if the file was replaced between the checks and the upload.

        Args:
            crc64: the CRC-64, in decimal, of the bytes that were sent.
        """
        if not await self.is_checked(crc64):
            raise FileUnreadable("it was replaced after its checks", changed=True)

    # The server

    async def confirm(self, crc64: "int | None" = None) -> "Stored | None":
        """Ask the ossferry server whether OSS stores the upload's file under the upload's key.

        Use this method after OSS's reply was lost or unexpected. The page's credentials can only
        add objects, so the server has to look at the object.

        Args:
            crc64: the CRC-64 of the bytes that were sent for the file; `None` to compute it.

        Returns:
            ETag, CRC-64 and request id of the object. `None` if no object has the key, or if the
            server offers no receipts. After `None`, the file can be sent again with the same key.

        Raises:
            Corrupt: the object with the key differs from the file; or the file is a stream that has
                not ended, or of which OSS does not have all parts, so that its CRC-64 is unknown.
            ServerRefused: the server refused the request.
        """
        progress = self.upload.progress
        if crc64 is None and progress.is_complete():
            crc64 = progress.combined_crc64()
        if crc64 is None and self.upload.is_stream:
            raise Corrupt("CRC-64", expected="of a stream that is not whole", actual="")
        if crc64 is None:
            crc64 = await self.crc64()
        upload, receipts = self.upload, self.engine.ports.receipts
        report = upload.key, upload.file.size, str(crc64), upload.request_id, upload.checks
        try:
            return await self.repeat(receipts.confirm, report)
        except ServerRefused as error:
            if not error.is_not_offered:
                raise
            return None

    async def already_stored(self, crc64: "int | None" = None) -> "Stored | None":
        """Ask the ossferry server whether OSS stores the upload's file under the upload's key.

        Unlike `confirm`, this method raises no `Corrupt`.

        Args:
            crc64: the CRC-64 of the bytes that were sent for the file; `None` to compute it.

        Returns:
            ETag, CRC-64 and request id of the object; `None` if no object has the key, if the
            object differs from the file, or if the server offers no receipts.
        """
        try:
            return await self.confirm(crc64)
        except Corrupt:
            return None

    # Operations of OSS

    async def put(self) -> "Stored":
        """Send the file in one request, and compare the checksums.

        If the stored object is damaged, the file is sent again. The request is a form (PostObject)
        or, if a form cannot be used, PutObject.

        Returns:
            ETag, CRC-64 and request id of the object.
        """
        upload, piece = self.upload, self.whole
        if upload.refused and not upload.refused.etag:
            upload.target.replace_refused()
        self._may_be_form = True
        checksum = self._checksum(piece)
        try:
            stored: Stored = await self._execute(self._put, piece, checksum)
        except FileUnreadable:
            is_key_our_own = (
                upload.options.same_name == KEEP_BOTH and not upload.target.maybe_stored
            )
            if not upload.refused and is_key_our_own:
                # an unanswered request may have stored an object
                upload.target.refuse(UNANSWERED, size=upload.file.size, crc64=UNREADABLE)
            raise
        finally:
            self._end(piece, checksum)
        return stored

    async def _put(self, piece: Piece, checksum: PieceChecksum) -> "Stored":
        upload = self.upload
        headers = self._object_headers(may_be_taken=upload.target.maybe_stored)
        try:
            stored: Stored = await self._attempt(put_object(upload.key, headers, piece), checksum)
        except Lost as error:
            if error.reason != Lost.UNREACHABLE:
                upload.progress.all_sent = True  # only the answer may be lost
            raise
        upload.progress.fly(1, upload.file.size)
        upload.go(states.VERIFYING)
        try:
            await checksum.check(stored)
            await self.check_is_checked(stored.crc64)
        except BaseException as error:
            if isinstance(error, (Corrupt, FileUnreadable)):
                crc64 = error.expected if isinstance(error, Corrupt) else UNREADABLE
                upload.target.refuse(stored, size=upload.file.size, crc64=crc64)
            if isinstance(error, Corrupt):
                upload.target.may_replace = True
            upload.go(states.UPLOADING)
            raise
        upload.target.replace_refused()
        return stored

    async def initiate(self) -> None:
        """Create a multipart upload in OSS, and store its id in `upload.progress.upload_id`."""
        upload, progress = self.upload, self.upload.progress
        headers = self._object_headers(may_be_taken=True)
        operation = initiate_multipart_upload(upload.key, headers)
        progress.upload_id = await self._execute(self._attempt, operation)
        progress.made = upload.made
        progress.unanswered_begins -= 1

    async def part(self, number: int, piece: Piece) -> None:
        """Send one part, and repeat the request until OSS confirms the checksum.

        Args:
            number: the part number.
            piece: the bytes of the part.
        """
        checksum = self._checksum(piece)
        landed: SentPart | None = None
        try:
            stored = await self._execute(self._part, number, piece, checksum)
            landed = SentPart(stored.etag, await checksum.get(), piece.size)
        finally:
            self._end(piece, checksum)
            self.upload.progress.land(number, landed)

    async def _part(self, number: int, piece: Piece, checksum: PieceChecksum) -> "Stored":
        operation = upload_part(self.upload.key, self.upload.upload_id, number, piece)
        stored: Stored = await self._attempt(operation, checksum)
        await checksum.check(stored)
        return stored

    async def parts(self) -> "dict[int, StoredPart]":
        """Return the parts that OSS has of the multipart upload, as `{part number: part}`."""
        stored: dict[int, StoredPart] = {}
        after = 0
        while True:
            parts, after = await self._parts_after(after)
            stored.update([(part.number, part) for part in parts])
            if not after:
                return stored

    async def _parts_after(self, after: int) -> "tuple[list[StoredPart], int]":
        """Return up to 1,000 parts with higher numbers, and `after` for the next; 0 for the end."""
        operation = list_parts(self.upload.key, self.upload.upload_id, after)
        listed: tuple[list[StoredPart], int] = await self._execute(self._attempt, operation)
        return listed

    async def complete(self) -> "Stored":
        """Complete the multipart upload with the parts in `upload.progress.parts`.

        Returns:
            ETag, CRC-64 and request id of the object.
        """
        upload = self.upload
        parts = upload.progress.parts
        etags = [(number, parts[number].etag) for number in sorted(parts)]
        headers = self._overwrite_headers(may_be_taken=True)
        operation = complete_multipart_upload(upload.key, upload.upload_id, etags, headers)
        stored: Stored = await self._execute(self._attempt, operation)
        return stored

    async def abort(self, *, waits: bool = False) -> None:
        """Abort the multipart upload, then remove the upload's record from the browser's storage.

        OSS may keep parts that were in flight during the abort. So the method repeats the request
        until OSS reports that the multipart upload does not exist.

        Args:
            waits: whether to wait while the network or the server is not available, instead of
                failing.

        Raises:
            PartsLeft: OSS confirmed each abort, but still lists the multipart upload.
        """
        await (self.repeat(self._abort) if waits else self._abort())
        await self.engine.journal.remove(self.upload)

    async def _abort(self) -> None:
        upload, engine, tries = self.upload, self.engine, 0
        if upload.upload_id and (await engine.keeper.is_used_up() or engine.keeper.has_form()):
            await self._let_server_abort()
        while upload.upload_id:
            if tries >= MAX_ABORTS:
                raise PartsLeft(f"{upload.upload_id} of {upload.key}")
            if tries:
                await engine.ports.clock.sleep(backoff_s(tries, engine.ports.random.unit()))
            tries += 1
            operation = abort_multipart_upload(upload.key, upload.upload_id)
            await self._execute(self._attempt, operation)
            try:
                await self._parts_after(0)
            except Refused as error:
                if error.code != GONE:
                    raise
                upload.clear_parts()

    async def _let_server_abort(self) -> None:
        """Ask the server to abort the multipart upload, because the page has no credentials.

        The quota is used up, or the server gives only a form. A server without access to objects
        cannot abort; the bucket's lifecycle rule removes the parts later.
        """
        try:
            await self.engine.ports.receipts.abort(self.upload.key, self.upload.upload_id)
        except ServerRefused as error:
            if not error.is_not_offered:  # also the answer if OSS does not have the upload any more
                raise
        self.upload.clear_parts()

    async def abort_orphans(self) -> None:
        """Abort other multipart uploads with the upload's key that have no parts.

        An InitiateMultipartUpload request without a reply may have created such a multipart upload.
        If the abort fails, no error is raised; a lifecycle rule of the bucket removes it later.
        """
        try:
            for upload_id in await self.engine.ports.receipts.begun_empty(self.upload.key):
                if upload_id != self.upload.upload_id:
                    await self.abort_orphan(self.engine, self.upload.key, upload_id)
            self.upload.progress.unanswered_begins = 0
        except (OSSError, TransferError):
            return

    @staticmethod
    async def abort_orphan(engine: "Engine", key: str, upload_id: str) -> None:
        """Abort a multipart upload that does not belong to an upload of this page."""
        orphan = Upload(LostFile(key, "", 0, 0), lambda _upload: None)
        orphan.target.key = key
        orphan.progress.continue_from(upload_id, 0)
        await Client(engine, orphan)._abort()

    # Headers

    def _object_headers(self, *, may_be_taken: bool) -> "list[Header]":
        """Return the headers of PutObject or InitiateMultipartUpload, which describe the object.

        Args:
            may_be_taken: whether another tab or device may have stored an object under the key.
        """
        upload = self.upload
        headers = object_headers(
            upload.options,
            name=upload.name,
            content_type=upload.target.content_type,
            sha256=upload.sha256,
        )
        if upload.target.cipher:
            size = None if upload.is_stream else upload.file.size
            part_size = upload.progress.part_size
            headers += encryption_headers(upload.target.cipher, size=size, part_size=part_size)
        if upload.target.is_held and upload.options.same_name == REFUSE:
            headers.append(("x-oss-meta-same-name", REFUSE))  # for the copy to the final key
        if upload.target.replaces:
            headers.append(("x-oss-meta-replaces", percent_encode(upload.target.replaces)))
        return headers + self._overwrite_headers(may_be_taken=may_be_taken)

    def _overwrite_headers(self, *, may_be_taken: bool) -> "list[Header]":
        """Return the header that forbids overwriting; an empty list if overwriting is allowed.

        InitiateMultipartUpload and CompleteMultipartUpload both need the header.
        """
        policy = self.upload.options.same_name
        forbids = policy == REFUSE or (policy == KEEP_BOTH and may_be_taken)
        return [FORBID_OVERWRITE] if forbids and not self.upload.target.may_replace else []

    def _end(self, piece: Piece, checksum: PieceChecksum) -> None:
        """End the computation of a checksum, and free the encrypted bytes of the piece."""
        checksum.cancel()
        if piece.crc64:
            self.engine.ports.encryption.free(piece)

    def _checksum(self, piece: Piece) -> PieceChecksum:
        is_encrypted = self.upload.target.cipher is not None
        return PieceChecksum(piece, self.crc64, is_encrypted=is_encrypted)

    # Single requests, and their repetition

    async def _attempt(
        self, operation: "Operation", checksum: "PieceChecksum | None" = None
    ) -> "Any":
        """Send a request, and return the result in OSS's reply.

        The request is sent again in four cases:

        - OSS refuses the credentials. The method renews the credentials, up to `MAX_REPAIRS` times.
        - OSS refuses the time of the request. The method corrects the server's time, up to
          `MAX_REPAIRS` times.
        - The origin fails, and another origin of the bucket is chosen.
        - OSS refuses a form, and the request is now a PutObject request.

        Args:
            checksum: the CRC-64 of the body, which is computed while the body is sent.
        """
        engine = self.engine
        repairs: list[str] = []
        kind = self._kind(operation.body)
        is_spread = kind == SMALL  # until a custom domain fails
        while True:
            now_s = engine.ports.clock.elapsed_s
            timing = engine.timeline.begin(self.upload, operation, now_s())
            grant = await self._acquire(kind, timing)
            bucket = grant.bucket
            request, cuts = None, engine.pool.cuts
            try:
                bucket = await engine.origins.at(grant, is_small=is_spread)
                self._show(operation, 0)
                request = self._sign(operation, grant, bucket)
                if checksum:
                    checksum.start()  # not before the request has a connection
                await self._encrypt(operation.body)
                result = await self._exchange(operation, request, timing)
            except OSSError as error:
                failure = error
                timing.fail(error)
                if is_congestion(error):
                    engine.pool.congestion(cuts)
            else:
                engine.pool.success(kind)
                engine.origins.answered(bucket)
                return result
            finally:
                timing.end(now_s())
                if is_spread and bucket is not grant.bucket:
                    engine.origins.left(bucket)
                engine.pool.release(kind)
            is_spread = False
            if await engine.origins.failed(grant, bucket, failure):
                continue
            if engine.forms.refused(grant, request, failure):
                continue
            failure.request = request
            self._repair(failure, grant, repairs)

    async def _exchange(self, operation: "Operation", request: "Request", timing: Timing) -> "Any":
        """Send a signed request, note its times, and return the result in OSS's reply."""
        now_s = self.engine.ports.clock.elapsed_s

        def progress(sent: int) -> None:
            self._show(operation, sent)
            timing.sent_s = now_s()

        timing.signed_s = now_s()
        if request.is_form:
            timing.name = "PostObject"
        reply = await self.engine.exchange(request, operation.body, progress)
        timing.answer(reply)
        if 400 <= reply.status < 500:
            self._count_begin(operation, -1)
        return operation.read(reply)

    def _repair(self, failure: OSSError, grant: "Grant", repairs: "list[str]") -> None:
        """Remove the cause of a refusal, old credentials or a wrong clock; otherwise raise it.

        Args:
            repairs: what was repaired for this request before.
        """
        keeper = self.engine.keeper
        if not isinstance(failure, Refused):
            raise failure
        if failure.retry_at_s is not None:
            failure.retry_after_s = max(0.0, failure.retry_at_s - keeper.server_now_s())
        if not failure.repair or repairs.count(failure.repair) >= MAX_REPAIRS:
            raise failure
        repairs.append(failure.repair)
        if failure.repair == RENEW_CREDENTIALS:
            keeper.reject(grant)
        elif failure.repair == SET_CLOCK and failure.server_time_s is not None:
            keeper.set_server_time(failure.server_time_s)

    def _kind(self, body: "Any") -> str:
        if not isinstance(body, Piece):
            return PLAIN
        if self.upload.target.needs_form and body.size > MAX_SINGLE_BYTES:
            return LONG
        return SMALL if body.size <= SMALL_BYTES else PLAIN

    async def _acquire(self, kind: str, timing: Timing) -> "Grant":
        """Wait for a connection, then return a grant.

        The grant is read after the wait, because an earlier grant could expire during the wait.
        """
        is_held = False
        try:
            await self.engine.pool.acquire(self.upload.rank, kind)
            is_held = True
            return await self.engine.keeper.get()
        except BaseException as error:
            if is_held:
                self.engine.pool.release(kind)
            if isinstance(error, Exception):
                timing.fail(error)
            timing.end(self.engine.ports.clock.elapsed_s())
            raise

    def _sign(self, operation: "Operation", grant: "Grant", bucket: "Bucket") -> "Request":
        """Return the signed request, or a form if the operation is PutObject and a form fits."""
        engine, at_s = self.engine, self.engine.keeper.server_now_s()
        has_file = isinstance(operation.body, Piece)
        limit = engine.speed.traffic_limit if has_file and not grant.form else 0
        if operation.name == PUT_OBJECT and not limit:
            rate = engine.rate_bytes_per_s if self._may_be_form else 0.0
            self._may_be_form = False
            form = engine.forms.request(operation, grant, bucket, at_s=at_s, rate_bytes_per_s=rate)
            if form:
                return form
        self._count_begin(operation, 1)
        return sign(operation, grant.credentials, bucket, at_s=at_s, traffic_limit=limit)

    async def _encrypt(self, body: "Any") -> None:
        """Encrypt a piece of an encrypted upload, unless an earlier attempt has done so.

        This is after the wait for a connection, so that only pieces in flight are in memory.
        """
        cipher = self.upload.target.cipher
        if cipher and isinstance(body, Piece) and not body.crc64:
            await self.engine.ports.encryption.encrypt(body, cipher)

    def _count_begin(self, operation: "Operation", more: int) -> None:
        """Count InitiateMultipartUpload requests that may have created a multipart upload."""
        if operation.name == INITIATE:
            self.upload.progress.unanswered_begins += more

    def _show(self, operation: "Operation", sent: int) -> None:
        """Show how many bytes of the body of a request are sent."""
        if operation.number:
            self.upload.progress.fly(operation.number, sent)

    async def _execute(self, send: "Callable[..., Awaitable[Any]]", *arguments: "Any") -> "Any":
        """Call `send`, which sends one request, until OSS has executed the request."""
        result = await self.repeat(self._counted, send, *arguments)
        self.upload.requests.recover()
        self._note_errors(False)
        return result

    async def _counted(self, send: "Callable[..., Awaitable[Any]]", *arguments: "Any") -> "Any":
        requests, clock = self.upload.requests, self.engine.ports.clock
        requests.send(1)
        begun_s = clock.elapsed_s()
        try:
            return await send(*arguments)
        except Exception:
            if clock.elapsed_s() - begun_s > LONG_S:
                requests.recover()
            raise
        finally:
            requests.send(-1)

    async def repeat(self, operation: "Callable[..., Awaitable[T]]", *arguments: "Any") -> "T":
        """Call `operation` until it succeeds, and return its result.

        Temporary errors are retried. The upload is paused while the network or the server is not
        available, the person has to log in, or the quota is used up.

        Raises:
            Exception: `operation` failed, and the error allows no further retry.
        """
        engine, requests = self.engine, self.upload.requests
        failures = outages = 0
        failures_by_tries: dict[int, int] = {}  # counted by how many tries an error allows
        while True:
            try:
                return await operation(*arguments)
            except Exception as error:
                reason = waits_for(error)
                if reason:
                    outages += 1
                    await self._outage(reason, error, outages)
                    continue
                failures += 1
                tries = 1 if engine.is_shut_out and is_shut_out(error) else tries_for(error)
                failures_by_tries[tries] = failures_by_tries.get(tries, 0) + 1
                failing_s = requests.failing_s(engine.ports.clock.elapsed_s())
                self._note_errors(is_service_error(error) and failing_s > ERRORS_TOLD_S)
                if failures_by_tries[tries] >= tries or failing_s > ALLOWANCE_S:
                    engine.is_shut_out = engine.is_shut_out or is_shut_out(error)
                    raise
                await self._back_off(failures, retry_after(error))

    async def _back_off(self, failures: int, retry_after_s: "float | None") -> None:
        upload, ports = self.upload, self.engine.ports
        wait_s = backoff_s(failures, ports.random.unit(), retry_after_s)
        count = 1 if wait_s >= WORTH_TELLING_S else 0
        upload.requests.wait(count)
        upload.changed()
        try:
            await ports.clock.sleep(wait_s)
        finally:
            upload.requests.wait(-count)
            upload.changed()

    async def _outage(self, reason: str, error: Exception, outages: int) -> None:
        upload, engine = self.upload, self.engine
        if reason == states.FOR_NETWORK and await engine.is_domain_at_fault(outages):
            reason = states.FOR_STORAGE
        upload.hold(reason)
        try:
            await engine.ports.network.may_be_back(outage_s(outages, retry_after(error)))
        finally:
            upload.end_hold(reason)
            upload.requests.recover()  # an outage is not counted as failing requests

    def _note_errors(self, has_errors: bool) -> None:
        if self.upload.requests.note_errors(has_errors):
            self.upload.changed()
