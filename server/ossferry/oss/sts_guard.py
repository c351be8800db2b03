"""Protection of STS calls: a rate limit, one retry and a circuit breaker.

Calls wait in a queue, so STS never receives more calls per second than the settings allow. If the
queue is full, a call fails immediately, and the error says when to try again.

After 5 failures in a row, the circuit breaker blocks all calls except one test call every 5
seconds. An answer with expired credentials counts as a failure.
"""

import asyncio
from dataclasses import KW_ONLY, dataclass, field

import limits

from ossferry.clock import Clock, Monotonic
from ossferry.errors import StsExpiredError, StsLostError, StsRefusedError
from ossferry.observability.log_format import logger
from ossferry.observability.metrics import Metrics
from ossferry.oss.sts import AssumeRole, StsCredentials
from ossferry.state.counter import Counter

MAX_WAIT_S = 3.0
LOSSES = 5
OPEN_S = 5.0
TRY_AGAIN = ("no-answer", "unreadable", "expired", "InternalError")
NOTHING = '{"Version":"1","Statement":[{"Effect":"Deny","Action":["oss:*"],"Resource":["*"]}]}'
"""The policy for credentials requested only to test whether STS issues any."""

log = logger("ossferry.sts_guard")


class Pace:
    """A rate limit for calls to STS; waiting calls continue in the order of their arrival.

    Args:
        calls_per_s: the highest number of calls per second.
    """

    def __init__(self, counter: Counter, *, calls_per_s: int) -> None:
        self._counter = counter
        self._item = limits.RateLimitItemPerSecond(calls_per_s)
        self._calls_per_s = calls_per_s
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until the rate limit allows one call.

        Raises:
            StsLostError: too many calls are waiting already.
        """
        if self._waiting >= self._calls_per_s * MAX_WAIT_S:
            raise StsLostError("quota", retry_after_s=int(MAX_WAIT_S) + 1)
        self._waiting += 1
        try:
            async with self._turn:
                while not await self._counter.hit(self._item, "sts"):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(1 / self._calls_per_s)
        finally:
            self._waiting -= 1


class Breaker:
    """A circuit breaker: blocks calls to STS after `LOSSES` failures in a row."""

    def __init__(self, *, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._losses = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the circuit breaker is open, so that it blocks calls."""
        return self._losses >= LOSSES

    def check(self) -> None:
        """Raise an error if the circuit breaker is open.

        Every `OPEN_S` seconds, one test call is due, for which no error is raised.

        Raises:
            StsLostError: the breaker is open, and no test call is due.
        """
        if not self.is_open:
            return
        left_s = self._open_until - self._monotonic()
        if left_s > 0:
            raise StsLostError("breaker-open", retry_after_s=int(left_s) + 1)
        self._open_until = self._monotonic() + OPEN_S

    def answered(self) -> None:
        """Close the circuit breaker, because STS answered; a refusal is an answer too."""
        self._losses = 0

    def lost(self) -> None:
        """Record a failed call to STS; open the breaker after `LOSSES` failures in a row."""
        self._losses += 1
        if self._losses == LOSSES:
            log.error("breaker-open")
        self._open_until = self._monotonic() + OPEN_S


@dataclass(slots=True, eq=False, repr=False)
class GuardedSts:
    """Requests STS credentials with a rate limit, a circuit breaker and one retry.

    An instance can be called as an `AssumeRole` function.

    Attributes:
        inner: function that requests the credentials from STS.
        pace: the rate limit.
    """

    inner: AssumeRole
    _: KW_ONLY
    pace: Pace
    breaker: Breaker
    metrics: Metrics
    clock: Clock
    _is_well: bool = field(init=False, default=False)

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        """Return credentials from STS; implements `AssumeRole`."""
        try:
            found = await self._twice(session_name, policy)
        except (StsLostError, StsRefusedError):
            self._is_well = False
            raise
        self._is_well = True
        return found

    async def check(self) -> None:
        """Raise an error if STS does not issue credentials.

        If the last request for credentials succeeded, do nothing. Otherwise, or before the first
        request, make a test call: request credentials whose session policy denies all actions.

        Raises:
            StsRefusedError: STS refuses the test call.
            StsLostError: STS gives no usable answer to the test call.
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
        self.breaker.check()
        await self.pace.turn()
        try:
            answer = await self.inner(session_name=session_name, policy=policy)
            if answer.expires_at <= self.clock():
                raise StsExpiredError("expired")
        except StsExpiredError:
            self.breaker.lost()
            self.metrics.called_sts("expired")
            raise
        except StsLostError:
            self.breaker.lost()
            self.metrics.called_sts("lost")
            raise
        except StsRefusedError:
            self.breaker.answered()
            self.metrics.called_sts("refused")
            raise
        self.breaker.answered()
        self.metrics.called_sts("ok")
        return answer
