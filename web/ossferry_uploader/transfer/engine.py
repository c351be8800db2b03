"""Sends requests to OSS: waits for a connection, gets credentials, and repeats failed requests.

Every request to OSS goes through `Engine.request`.
"""

from ossferry_uploader.oss.errors import RENEW_CREDENTIALS, SET_CLOCK, Lost, OSSError, Refused
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.grants.origins import Origins, asking
from ossferry_uploader.transfer.grants.quota import Quota
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
from ossferry_uploader.transfer.pacing.speed import SpeedLimit
from ossferry_uploader.transfer.plan import MAX_SINGLE_BYTES, MIN_PART_BYTES, SMALL_BYTES
from ossferry_uploader.transfer.states import FOR_NETWORK, FOR_STORAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ossferry_uploader.oss.replies import Reply
    from ossferry_uploader.oss.requests import Request
    from ossferry_uploader.transfer.grants.credentials import GrantKeeper
    from ossferry_uploader.transfer.grants.forms import Forms
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.journal.journal import Journal
    from ossferry_uploader.transfer.pacing.connections import ConnectionPool
    from ossferry_uploader.transfer.ports import Ports
    from ossferry_uploader.transfer.upload import Upload

    Build = Callable[[Grant, float], Request]

__all__ = ["Engine"]

MAX_REPAIRS = 2
MEASURED_BYTES = 256 * 1024  # a smaller body measures latency, not speed
MEASURED_S = 2.0  # a smaller body that takes this long is measured too
ERRORS_TOLD_S = 5.0  # of error answers before they are shown; most end sooner
OUTAGES = 3  # failures in a row before a custom domain is suspected
SERVER_ASKED_S = 10.0  # how long an answer of the server proves that the network works
LONG_S = 300.0  # longer than any timeout: the attempt has sent bytes, or has waited for its turn
WORTH_TELLING_S = 1.0  # a message about a shorter wait would be too brief to read


def _ignore(_sent: int) -> None:
    pass


def _note_errors(upload: "Upload", has_errors: bool) -> None:
    if upload.requests.note_errors(has_errors):
        upload.changed()


class Engine:
    """Sends requests to OSS. All uploads of a page share one engine.

    `awaits_receipt()` returns whether the page reports each complete upload to the server. If so,
    the record of a complete multipart upload stays until the page calls `Queue.reported`. The page
    may be closed before that call, so a later page needs the record.
    """

    def __init__(
        self,
        ports: "Ports",
        keeper: "GrantKeeper",
        pool: "ConnectionPool",
        journal: "Journal",
        forms: "Forms",
    ) -> None:
        self.ports = ports
        self.keeper = keeper
        self.pool = pool
        self.journal = journal
        self.forms = forms
        self.speed = SpeedLimit(pool)
        self.quota = Quota()
        self.awaits_receipt: Callable[[], object] = lambda: False
        self.origins = Origins(ports.clock, asking(ports.http, keeper.server_now_s))
        self.rate_bytes_per_s = 0.0  # of one connection, smoothed over large bodies
        self._is_let_in = False  # the bucket's CORS rule has let this page read an answer
        self._is_shut_out = False  # CORS errors have used up all tries of one request
        self._server_answered_s: float | None = None  # `None`: not asked, or no answer
        self._is_custom_domain = False  # whether the latest request went to a custom domain

    async def request(
        self,
        upload: "Upload",
        build: "Build",
        read: "Callable[[Reply], Any]",
        *,
        body: "Any" = None,
        on_progress: "Callable[[int], None]" = _ignore,
        check: "Callable[[Any], Awaitable[None]] | None" = None,
    ) -> "Any":
        """Send a request to OSS, and repeat the request after errors that allow a retry.

        Args:
            build: returns the signed request for a grant and a time; called for each attempt.
            read: returns the result in OSS's reply, or raises an error if OSS refused the request.
            body: the body of the request: a `Piece`, text or `None`.
            on_progress: called with the number of bytes of `body` sent in the present attempt.
            check: compares the result with the file, and raises an error if the result is wrong.
                The request may be repeated after this error.

        Returns:
            The result of `read`.

        Raises:
            OSSError, TransferError: the request failed, and the error allows no further retry.
        """

        async def once() -> "Any":
            upload.requests.send(1)
            begun_s = self.ports.clock.elapsed_s()
            try:
                result = await self._attempt(upload, build, read, body, on_progress)
                if check:
                    await check(result)
            except Exception:
                if self.ports.clock.elapsed_s() - begun_s > LONG_S:
                    upload.requests.recover()
                raise
            finally:
                upload.requests.send(-1)
            return result

        result = await self.persist(upload, once)
        upload.requests.recover()
        _note_errors(upload, False)
        return result

    async def persist(self, upload: "Upload", operation: "Callable[[], Awaitable[Any]]") -> "Any":
        """Run `operation` until the operation succeeds, and return its result.

        Temporary errors are retried. The upload is paused while the network or the server is not
        available, the person has to log in, or the quota is used up.

        Raises:
            Exception: `operation` failed, and the error allows no further retry.
        """
        failures = outages = 0
        failures_by_tries: dict[int, int] = {}  # counted by how many tries an error allows
        while True:
            try:
                return await operation()
            except Exception as error:
                reason = waits_for(error)
                if reason:
                    outages += 1
                    await self._outage(upload, reason, error, outages)
                    continue
                failures += 1
                tries = 1 if self._is_shut_out and is_shut_out(error) else tries_for(error)
                failures_by_tries[tries] = failures_by_tries.get(tries, 0) + 1
                failing_s = upload.requests.failing_s(self.ports.clock.elapsed_s())
                _note_errors(upload, is_service_error(error) and failing_s > ERRORS_TOLD_S)
                if failures_by_tries[tries] >= tries or failing_s > ALLOWANCE_S:
                    self._is_shut_out = self._is_shut_out or is_shut_out(error)
                    raise
                await self._back_off(upload, failures, retry_after(error))

    async def crc64(self, upload: "Upload", piece: Piece) -> int:
        """Return the CRC-64 of the bytes that OSS gets for a piece of the upload's file.

        Temporary errors are retried.

        Raises:
            FileUnreadable: the file is gone or has changed, or the page may not read it.
            CannotEncrypt: the browser cannot encrypt here.
        """
        ports, cipher = self.ports, upload.target.cipher

        def compute() -> "Awaitable[int]":
            return ports.encryption.crc64(piece, cipher) if cipher else ports.checksum.crc64(piece)

        crc64: int = await self.persist(upload, compute)
        return crc64

    def release(self, piece: Piece) -> None:
        """Free the encrypted bytes of a piece that no request needs any more."""
        if piece.crc64:
            self.ports.encryption.release(piece)

    async def _back_off(
        self, upload: "Upload", failures: int, retry_after_s: "float | None"
    ) -> None:
        wait_s = backoff_s(failures, self.ports.random.unit(), retry_after_s)
        told = 1 if wait_s >= WORTH_TELLING_S else 0
        upload.requests.wait(told)
        upload.changed()
        try:
            await self.ports.clock.sleep(wait_s)
        finally:
            upload.requests.wait(-told)
            upload.changed()

    async def _outage(self, upload: "Upload", reason: str, error: Exception, outages: int) -> None:
        if reason == FOR_NETWORK and await self._is_domain_at_fault(outages):
            reason = FOR_STORAGE
        upload.hold(reason)
        try:
            await self.ports.network.may_be_back(outage_s(outages, retry_after(error)))
        finally:
            upload.release(reason)
            upload.requests.recover()  # an outage is not counted as failing requests

    async def _is_domain_at_fault(self, outages: int) -> bool:
        """Return whether the bucket's custom domain is unreachable, although the network works.

        The network works if the server answers. A browser reports a domain without DNS record or
        certificate as a network failure.

        Args:
            outages: the number of network failures in a row.
        """
        if outages < OUTAGES or not self._is_custom_domain:
            return False
        clock, answered_s = self.ports.clock, self._server_answered_s
        if answered_s is not None and clock.elapsed_s() - answered_s < SERVER_ASKED_S:
            return True
        answers = await self.ports.network.server_answers()
        self._server_answered_s = clock.elapsed_s() if answers else None
        return answers

    async def _attempt(
        self,
        upload: "Upload",
        build: "Build",
        read: "Callable[[Reply], Any]",
        body: "Any",
        on_progress: "Callable[[int], None]",
    ) -> "Any":
        """Send a request, and return the result of `read`.

        The request is sent again in four cases:

        - OSS refuses the credentials. The method renews the credentials, up to `MAX_REPAIRS` times.
        - OSS refuses the time of the request. The method corrects the server's time, up to
          `MAX_REPAIRS` times.
        - The origin fails, and another origin of the bucket is chosen.
        - OSS refuses a form, and `build` now returns a PutObject request.
        """
        repairs: list[str] = []
        size = body.size if isinstance(body, Piece) else 0
        is_small = isinstance(body, Piece) and size <= SMALL_BYTES
        is_long = upload.target.needs_form and size > MAX_SINGLE_BYTES
        is_spread = is_small  # until a custom domain fails
        while True:
            granted = grant = await self._acquire(upload, is_small=is_small, is_long=is_long)
            request, cuts = None, self.pool.cuts
            try:
                grant = await self.origins.at(granted, is_small=is_spread)
                self._is_custom_domain = grant.bucket.is_custom_domain
                on_progress(0)
                request = build(grant, self.keeper.server_now_s())
                await self._encrypt(upload, body)
                result = read(await self._exchange(request, body, on_progress))
            except OSSError as error:
                failure = error
                if is_congestion(error):
                    self.pool.congestion(cuts)
            else:
                self.pool.success(is_small=is_small)
                self.origins.answered(grant)
                return result
            finally:
                if is_spread and grant is not granted:
                    self.origins.left(grant)
                self.pool.release(is_long=is_long)
            is_spread = False
            if await self.origins.failed(grant, failure) or self.forms.refused(
                granted, request, failure
            ):
                continue
            failure.request = request
            if not isinstance(failure, Refused):
                raise failure
            if failure.retry_at_s is not None:
                failure.retry_after_s = max(0.0, failure.retry_at_s - self.keeper.server_now_s())
            if not failure.repair or repairs.count(failure.repair) >= MAX_REPAIRS:
                raise failure
            repairs.append(failure.repair)
            self._repair(failure, granted)

    async def _acquire(self, upload: "Upload", *, is_small: bool, is_long: bool) -> "Grant":
        """Wait for a connection, then return a grant.

        The grant is read after the wait, because an earlier grant could expire during the wait.
        """
        await self.pool.acquire(upload.rank, is_small=is_small, is_long=is_long)
        try:
            return await self.keeper.get()
        except BaseException:
            self.pool.release(is_long=is_long)
            raise

    async def _encrypt(self, upload: "Upload", body: "Any") -> None:
        """Encrypt a piece of an encrypted upload, unless an earlier attempt has done so.

        This is after the wait for a connection, so that only pieces in flight are in memory.

        Raises:
            FileUnreadable: the file is gone or has changed, or the page may not read it.
            CannotEncrypt: the browser cannot encrypt here.
        """
        cipher = upload.target.cipher
        if cipher and isinstance(body, Piece) and not body.crc64:
            await self.ports.encryption.encrypt(body, cipher)

    async def _exchange(
        self, request: "Request", body: "Any", on_progress: "Callable[[int], None]"
    ) -> "Reply":
        is_free = not self.speed.traffic_limit  # otherwise the limit would be measured
        is_measured = is_free and isinstance(body, Piece) and body.size >= MIN_PART_BYTES
        begun_s = self.ports.clock.elapsed_s() if is_measured else 0.0
        try:
            reply = await self.ports.http.send(request, body, on_progress)
        except Lost as error:
            if is_shut_out(error) and self._is_let_in:
                raise Lost(Lost.INTERRUPTED)  # a gateway has answered, not the bucket
            raise
        self._is_let_in = True
        if is_measured and reply.status == 200:
            self._measure(body.size, self.ports.clock.elapsed_s() - begun_s)
        return reply

    def _measure(self, size: int, seconds: float) -> None:
        """Update the measured speed of one connection.

        A request with a small body is ignored, unless the request took at least `MEASURED_S`
        seconds.

        Args:
            size: the size of the request's body in bytes.
            seconds: the duration of the request.
        """
        if seconds > 0 and (size >= MEASURED_BYTES or seconds >= MEASURED_S):
            rate, known = size / seconds, self.rate_bytes_per_s
            self.rate_bytes_per_s = (known + rate) / 2 if known else rate

    def _repair(self, error: Refused, grant: "Grant") -> None:
        if error.repair == RENEW_CREDENTIALS:
            self.keeper.discard(grant)
        elif error.repair == SET_CLOCK and error.server_time_s is not None:
            self.keeper.set_server_time(error.server_time_s)
