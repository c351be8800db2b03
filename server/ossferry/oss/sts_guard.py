"""Stands before STS: keeps us below the account's quota, tries once more, and gives up in time.

Calls wait their turn so that no second sees more than the settings allow; when the queue is longer
than a client would wait, it is told when to come back. After several losses in a row nobody is
sent to STS for a while; then one call finds out whether it is well again. Credentials that expired
before they came are a loss too.
"""

import asyncio

import limits

from ossferry.clock import Clock, Monotonic
from ossferry.errors import StsExpiredError, StsLostError, StsRefusedError
from ossferry.observability.logs import logger
from ossferry.observability.metrics import Metrics
from ossferry.observability.tracing import Span, no_span
from ossferry.oss.sts import AssumeRole, StsCredentials
from ossferry.state.counter import Counter

__all__ = ["Breaker", "GuardedSts", "Pace"]

MAX_WAIT_S = 3.0
LOSSES = 5
OPEN_S = 5.0
TRY_AGAIN = ("no-answer", "unreadable", "expired", "InternalError")
NOTHING = '{"Version":"1","Statement":[{"Effect":"Deny","Action":["oss:*"],"Resource":["*"]}]}'
"""The policy of credentials that are asked for only to learn whether STS gives some."""

log = logger("ossferry.sts_guard")


class Pace:
    """Lets so many calls a second through, in order."""

    def __init__(self, counter: Counter, *, calls_per_s: int) -> None:
        self._counter = counter
        self._item = limits.RateLimitItemPerSecond(calls_per_s)
        self._calls_per_s = calls_per_s
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Return when one call may be made.

        Raises:
            StsLostError: too many are waiting already.
        """
        if self._waiting >= self._calls_per_s * MAX_WAIT_S:
            raise StsLostError("quota", retry_after_s=int(MAX_WAIT_S) + 1)
        self._waiting += 1
        try:
            async with self._turn:
                while not await self._may_call():  # noqa: ASYNC110 - time sets it
                    await asyncio.sleep(1 / self._calls_per_s)
        finally:
            self._waiting -= 1

    async def _may_call(self) -> bool:
        return await self._counter.hit(self._item, "sts")


class Breaker:
    """Remembers whether STS is worth asking."""

    def __init__(self, *, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._losses = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are held back."""
        return self._losses >= LOSSES

    def check(self) -> None:
        """Return if a call may be made; while open, one call per pause finds out.

        Raises:
            StsLostError: STS was lost several times in a row, a moment ago.
        """
        if not self.is_open:
            return
        left_s = self._open_until - self._monotonic()
        if left_s > 0:
            raise StsLostError("breaker-open", retry_after_s=int(left_s) + 1)
        self._open_until = self._monotonic() + OPEN_S

    def answered(self) -> None:
        """Note that STS answered, whatever it said."""
        self._losses = 0

    def lost(self) -> None:
        """Note that STS was lost."""
        self._losses += 1
        if self._losses == LOSSES:
            log.error("breaker-open")
        self._open_until = self._monotonic() + OPEN_S


class GuardedSts:
    """AssumeRole behind pace, breaker and one more try."""

    def __init__(
        self,
        inner: AssumeRole,
        *,
        pace: Pace,
        breaker: Breaker,
        metrics: Metrics,
        clock: Clock,
        span: Span = no_span,
    ) -> None:
        self._inner = inner
        self._pace = pace
        self._breaker = breaker
        self._metrics = metrics
        self._clock = clock
        self._span = span
        self._is_well = False

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        """See `AssumeRole`."""
        try:
            found = await self._twice(session_name, policy)
        except (StsLostError, StsRefusedError):
            self._is_well = False
            raise
        self._is_well = True
        return found

    async def check(self) -> None:
        """Return if the last call brought credentials, or if another one does now.

        Raises:
            StsRefusedError, StsLostError: it did not.
        """
        if not self._is_well:
            await self(session_name="ossferry-readiness", policy=NOTHING)

    async def _twice(self, session_name: str, policy: str) -> StsCredentials:
        try:
            return await self._once(session_name, policy)
        except StsLostError as error:
            if error.reason not in TRY_AGAIN:
                raise
        return await self._once(session_name, policy)

    async def _once(self, session_name: str, policy: str) -> StsCredentials:
        self._breaker.check()
        await self._pace.turn()
        try:
            with self._span("ossferry.sts.assume_role"):
                answer = await self._inner(session_name=session_name, policy=policy)
            if answer.expires_at <= self._clock():
                raise StsExpiredError("expired")
        except StsExpiredError:
            self._breaker.lost()
            self._metrics.called_sts("expired")
            raise
        except StsLostError:
            self._breaker.lost()
            self._metrics.called_sts("lost")
            raise
        except StsRefusedError:
            self._breaker.answered()
            self._metrics.called_sts("refused")
            raise
        self._breaker.answered()
        self._metrics.called_sts("ok")
        return answer
