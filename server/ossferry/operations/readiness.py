"""Readiness: whether this process can issue grants.

The checks cover STS, the server's clock, the shared storage, the ledger and the audit trail. STS
and the audit trail are tested only if their last use failed, or if they have not been used yet.
The answer contains only whether the process is ready; failed checks are logged. The result is
cached for 10 seconds, so frequent requests cost little.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.access.audit import Audit
from ossferry.clock import Clock, Monotonic
from ossferry.errors import (
    AuditLostError,
    LedgerLostError,
    StorageLostError,
    StsLostError,
    StsRefusedError,
)
from ossferry.ledger import Database, leases
from ossferry.observability.logs import logger
from ossferry.operations.health import Status
from ossferry.oss.sts_guard import GuardedSts
from ossferry.settings.model import Settings
from ossferry.state.key_value import Storage

__all__ = ["Readiness", "StsDate", "ask_sts_date"]

KEPT_S = 10.0
MAX_SKEW_S = 300
"""OSS refuses signatures with a clock skew of more than 15 minutes; the server is not ready with
more than a third of that.
"""

StsDate: TypeAlias = Callable[[], Awaitable[datetime]]
"""Returns the current time according to STS, or raises `StsLostError`."""

log = logger("ossferry.readiness")


def ask_sts_date(settings: Settings) -> StsDate:
    """Return a function that sends a request to STS and returns the answer's `Date` header."""

    async def ask() -> datetime:
        try:
            async with httpx.AsyncClient(timeout=settings.sts_timeout_s) as client:
                answer = await client.get(settings.sts_address)
            date = parsedate_to_datetime(answer.headers["date"])
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise StsLostError("no-answer") from error
        return date if date.tzinfo else date.replace(tzinfo=UTC)  # "-0000" means no zone

    return ask


class Readiness:
    """The endpoint `/readyz`, which reports whether this process can issue grants."""

    def __init__(
        self,
        storage: Storage,
        sts_date: StsDate,
        *,
        sts: GuardedSts,
        audit: Audit,
        ledger: Database | None,
        clock: Clock,
        monotonic: Monotonic,
    ) -> None:
        self._storage = storage
        self._sts = sts
        self._audit = audit
        self._ledger = ledger
        self._sts_date = sts_date
        self._clock = clock
        self._monotonic = monotonic
        self._known: tuple[float, bool] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def show(self, request: Request) -> Response:
        """Answer `GET /readyz` with status 200 if the process is ready, otherwise 503.

        A process that has received a stop signal is not ready.
        """
        if getattr(request.state, "stopping", False):  # set by `DrainingServer`
            return JSONResponse(Status(status="not-ready"), 503, headers={"retry-after": "10"})
        async with self._one_at_a_time:
            now = self._monotonic()
            if self._known is None or now - self._known[0] >= KEPT_S:
                self._known = (now, await self.is_ready())
        answer: Status = {"status": "ok" if self._known[1] else "not-ready"}
        if self._known[1]:
            return JSONResponse(answer)
        return JSONResponse(answer, 503, headers={"retry-after": "10"})

    async def is_ready(self) -> bool:
        """Run all checks now, and return whether all of them passed."""
        wrong = []
        try:
            skew_s = abs((await self._sts_date() - self._clock()).total_seconds())
            if skew_s > MAX_SKEW_S:
                wrong.append(f"clock is {skew_s:.0f} s off")
            else:
                await self._sts.check()
        except StsLostError as error:
            silent = error.reason == "no-answer"
            wrong.append("STS does not answer" if silent else f"STS is of no use: {error.reason}")
        except StsRefusedError as error:
            wrong.append(f"STS refuses: {error.sts_code}")
        try:
            await self._storage.ping()
        except StorageLostError:
            wrong.append("storage does not answer")
        try:
            if self._ledger is not None:
                await self._try_ledger(self._ledger)
        except LedgerLostError:
            wrong.append("the ledger does not answer, or cannot be written")
        try:
            self._audit.check()
        except AuditLostError:
            wrong.append("the audit trail cannot be written")
        if wrong:
            log.error("not-ready", wrong=wrong)
        return not wrong

    async def _try_ledger(self, ledger: Database) -> None:
        """Write to the ledger to check that writing works.

        Each grant writes to the ledger. Reading alone is not a sufficient check, because a database
        on a full disk can still be read.

        Raises:
            LedgerLostError: the ledger does not answer or cannot be written.
        """
        async with ledger.write() as connection:
            await leases.take(connection, "readiness", holder="any", now=self._clock(), hold_s=0)
