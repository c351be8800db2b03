"""Answers whether this process can do its work: STS, our clock, storage, ledger.

What is wrong goes into the log; whoever asks learns yes or no. An answer is kept for some seconds,
so that asking often costs nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.clock import Clock, Monotonic
from ossferry.errors import LedgerLostError, StorageLostError, StsLostError
from ossferry.ledger import Database
from ossferry.logs import logger
from ossferry.settings import Settings
from ossferry.storage import Storage

__all__ = ["Readiness", "StsDate", "ask_sts_date"]

KEPT_S = 10.0
MAX_SKEW_S = 300
"""OSS refuses signatures that are 15 minutes off; a third of it is worth an alarm."""

StsDate: TypeAlias = Callable[[], Awaitable[datetime]]
"""Answers what time STS has, or raises `StsLostError`."""

log = logger("ossferry.readiness")


def ask_sts_date(settings: Settings) -> StsDate:
    """Return a function that reads the `Date` of any answer of STS."""

    async def ask() -> datetime:
        try:
            async with httpx.AsyncClient(timeout=settings.sts_timeout_s) as client:
                answer = await client.get(settings.sts_address)
            date = parsedate_to_datetime(answer.headers["date"])
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise StsLostError("no-answer") from error
        return date if date.tzinfo else date.replace(tzinfo=UTC)  # "-0000" is read as no zone

    return ask


class Readiness:
    """The route `/readyz`."""

    def __init__(
        self,
        storage: Storage,
        sts_date: StsDate,
        *,
        ledger: Database | None,
        clock: Clock,
        monotonic: Monotonic,
    ) -> None:
        self._storage = storage
        self._ledger = ledger
        self._sts_date = sts_date
        self._clock = clock
        self._monotonic = monotonic
        self._known: tuple[float, bool] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def show(self, _request: Request) -> Response:
        """Answer `GET /readyz`."""
        async with self._one_at_a_time:
            now = self._monotonic()
            if self._known is None or now - self._known[0] >= KEPT_S:
                self._known = (now, await self.is_ready())
        if self._known[1]:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "not-ready"}, 503, headers={"retry-after": "10"})

    async def is_ready(self) -> bool:
        """Check everything now."""
        wrong = []
        try:
            skew_s = abs((await self._sts_date() - self._clock()).total_seconds())
            if skew_s > MAX_SKEW_S:
                wrong.append(f"clock is {skew_s:.0f} s off")
        except StsLostError:
            wrong.append("STS does not answer")
        try:
            await self._storage.ping()
        except StorageLostError:
            wrong.append("storage does not answer")
        try:
            if self._ledger is not None:
                await self._ledger.ping()
        except LedgerLostError:
            wrong.append("the ledger does not answer")
        if wrong:
            log.error("not-ready", wrong=wrong)
        return not wrong
