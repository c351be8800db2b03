"""Send the requests of one upload, and repeat failed attempts.

Each attempt waits for a connection, gets a grant, signs the request, sends it and reads the reply.
Failed attempts are repeated by the rules in `pacing.retry`.
"""

from ossferry_uploader.oss.errors import RENEW_CREDENTIALS, SET_CLOCK, OSSError, Refused
from ossferry_uploader.oss.requests import INITIATE, PUT_OBJECT, sign
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.files import Piece
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from ossferry_uploader.oss.requests import Bucket, Operation, Request
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.sending.checksum import PieceChecksum
    from ossferry_uploader.transfer.upload import Upload

    T = TypeVar("T")

MAX_REPAIRS = 2
ERRORS_TOLD_S = 5.0  # of error answers before they are shown; most end sooner
LONG_S = 300.0  # longer than any timeout: the attempt has sent bytes, or has waited for its turn
WORTH_TELLING_S = 1.0  # a message about a shorter wait would be too brief to read


class Sender:
    """Base class of `Client`: sends single requests of one upload, and repeats failed ones.

    If OSS refuses a request because of old credentials or a wrong time, `Sender` renews the
    credentials or corrects the clock before it sends the request again.
    """

    def __init__(self, engine: "Engine", upload: "Upload") -> None:
        self.engine = engine
        self.upload = upload
        self._may_be_form = True  # a large file; its form has no progress, so it is tried once

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
            grant = await self._acquire(kind)
            bucket = grant.bucket
            request, cuts = None, engine.pool.cuts
            try:
                bucket = await engine.origins.at(grant, is_small=is_spread)
                self._show(operation, 0)
                request = self._sign(operation, grant, bucket)
                if checksum:
                    checksum.start()  # not before the request has a connection
                await self._encrypt(operation.body)
                reply = await engine.exchange(
                    request, operation.body, lambda sent: self._show(operation, sent)
                )
                if 400 <= reply.status < 500:
                    self._count_begin(operation, -1)
                result = operation.read(reply)
            except OSSError as error:
                failure = error
                if is_congestion(error):
                    engine.pool.congestion(cuts)
            else:
                engine.pool.success(kind)
                engine.origins.answered(bucket)
                return result
            finally:
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

    async def _acquire(self, kind: str) -> "Grant":
        """Wait for a connection, then return a grant.

        The grant is read after the wait, because an earlier grant could expire during the wait.
        """
        await self.engine.pool.acquire(self.upload.rank, kind)
        try:
            return await self.engine.keeper.get()
        except BaseException:
            self.engine.pool.release(kind)
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
        result = await self._repeat(self._counted, send, *arguments)
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

    async def _repeat(self, operation: "Callable[..., Awaitable[T]]", *arguments: "Any") -> "T":
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
