"""How a request is carried out: with a place in the budget, fresh credentials, the right time, and
patience. Everything that talks to OSS goes through `Engine.request`.
"""

from uploader.oss.errors import RENEW_CREDENTIALS, SET_CLOCK, Refused
from uploader.transfer.retry import (
    ALLOWANCE_S,
    backoff_s,
    is_congestion,
    outage_s,
    retry_after,
    tries_for,
    waits_for,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from uploader.oss.replies import Reply
    from uploader.oss.requests import Request
    from uploader.transfer.budget import Budget
    from uploader.transfer.credentials import GrantKeeper
    from uploader.transfer.grant import Grant
    from uploader.transfer.journal import Journal
    from uploader.transfer.ports import Ports
    from uploader.transfer.upload import Upload

    Build = Callable[[Grant, float], Request]

__all__ = ["Engine"]

MAX_REPAIRS = 2


def _ignore(_sent: int) -> None:
    pass


class Engine:
    """What all uploads share."""

    def __init__(
        self, ports: "Ports", keeper: "GrantKeeper", budget: "Budget", journal: "Journal"
    ) -> None:
        self.ports = ports
        self.keeper = keeper
        self.budget = budget
        self.journal = journal

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
        """Send what `build(grant, now_s)` makes until `read(reply)` and `check(result)` agree.

        Returns:
            What `read` made of the reply.

        Raises:
            OSSError, TransferError: it cannot be done, or not in reasonable time.
        """

        async def once() -> "Any":
            result = await self._attempt(upload, build, read, body, on_progress)
            if check:
                await check(result)
            return result

        return await self.persist(upload, once)

    async def persist(self, upload: "Upload", operation: "Callable[[], Awaitable[Any]]") -> "Any":
        """Repeat `operation` as its errors allow, and wait for what it needs."""
        failures = outages = 0
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
                if failures >= tries_for(error) or upload.trouble_s > ALLOWANCE_S:
                    raise
                if is_congestion(error):
                    self.budget.trouble()
                await self._back_off(upload, failures, retry_after(error))

    async def _back_off(
        self, upload: "Upload", failures: int, retry_after_s: "float | None"
    ) -> None:
        wait_s = backoff_s(failures, self.ports.random.unit(), retry_after_s)
        upload.trouble_s += wait_s
        await self.ports.clock.sleep(wait_s)

    async def _outage(self, upload: "Upload", reason: str, error: Exception, outages: int) -> None:
        upload.hold(reason)
        try:
            await self.ports.network.may_be_back(outage_s(outages, retry_after(error)))
        finally:
            upload.release(reason)

    async def _attempt(
        self,
        upload: "Upload",
        build: "Build",
        read: "Callable[[Reply], Any]",
        body: "Any",
        on_progress: "Callable[[int], None]",
    ) -> "Any":
        """Send once; credentials that OSS refuses are renewed, a clock that is wrong is set."""
        repairs: list[str] = []
        while True:
            grant = await self.keeper.get()
            await self.budget.acquire(upload.rank)
            try:
                on_progress(0)
                request = build(grant, self.keeper.server_now_s())
                result = read(await self.ports.http.send(request, body, on_progress))
            except Refused as error:
                if not error.repair or repairs.count(error.repair) >= MAX_REPAIRS:
                    raise
                repairs.append(error.repair)
                self._repair(error, grant)
                continue
            finally:
                self.budget.release()
            self.budget.success()
            return result

    def _repair(self, error: Refused, grant: "Grant") -> None:
        if error.repair == RENEW_CREDENTIALS:
            self.keeper.discard(grant)
        elif error.repair == SET_CLOCK and error.server_time_s is not None:
            self.keeper.set_server_time(error.server_time_s)
