"""Readiness: whether this process can issue grants.

A load balancer removes a process that is not ready. Therefore a loss that the server survives does
not make it unready: otherwise the loss of Redis, which all processes share, would remove all of
them. The answer names such a loss as degraded, without the reason. The log and a metric contain all
failed checks. The result is cached for 10 seconds, so frequent requests cost little.
"""

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.access.audit import Audit
from ossferry.clock import Clock, Monotonic
from ossferry.ledger import Database
from ossferry.observability.logs import logger
from ossferry.observability.metrics import Metrics
from ossferry.operations.checks import (
    Check,
    Finding,
    Outcome,
    StsDate,
    StsTime,
    check_audit,
    check_ledger,
    check_role,
    check_storage,
    run_checks,
)
from ossferry.operations.health import Status
from ossferry.oss.sts_guard import GuardedSts
from ossferry.settings.model import Settings
from ossferry.state.key_value import Storage

__all__ = ["Readiness"]

KEPT_S = 10.0

log = logger("ossferry.readiness")


def survived_losses(settings: Settings, *, has_ledger: bool) -> frozenset[str]:
    """Return the ids of the checks without which the server still issues grants.

    Redis is needed for grants only if it stores the sessions of people who signed in with OpenID;
    a ledger takes its place there.
    """
    needs_storage = "oidc" in settings.auth and not has_ledger
    return frozenset() if needs_storage else frozenset({"storage"})


class Readiness:
    """The endpoint `/readyz`, which reports whether this process can issue grants."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        sts_date: StsDate,
        *,
        sts: GuardedSts,
        audit: Audit,
        ledger: Database | None,
        metrics: Metrics,
        clock: Clock,
        monotonic: Monotonic,
    ) -> None:
        time = StsTime(sts_date, clock)
        role = partial(check_role, sts, settings)
        self._checks = [
            Check(id="sts", run=time.check_answer),
            Check(id="clock", run=time.check_clock, needs=("sts",)),
            Check(id="role", run=role, needs=("clock",)),
            Check(id="storage", run=partial(check_storage, storage)),
            Check(id="audit", run=partial(check_audit, audit)),
        ]
        if ledger is not None:
            run = partial(check_ledger, ledger, clock)
            self._checks.append(Check(id="ledger", run=run))
        self._survived = survived_losses(settings, has_ledger=ledger is not None)
        self._metrics = metrics
        self._monotonic = monotonic
        self._known: tuple[float, frozenset[str]] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def show(self, request: Request) -> Response:
        """Answer `GET /readyz`.

        The status is 200 if the process is ready, also if it is degraded, and otherwise 503. A
        process that has received a stop signal is not ready.
        """
        not_ready: Status = {"status": "not-ready"}
        if getattr(request.state, "stopping", False):  # set by `DrainingServer`
            return JSONResponse(not_ready, 503, headers={"retry-after": "10"})
        lost = await self.lost()
        if lost - self._survived:
            return JSONResponse(not_ready, 503, headers={"retry-after": "10"})
        answer: Status = {"status": "ok"}
        if lost:
            answer["degraded"] = sorted(lost)
        return JSONResponse(answer)

    async def lost(self) -> frozenset[str]:
        """Return the ids of the failed checks; run the checks if the result is not cached."""
        async with self._one_at_a_time:
            now = self._monotonic()
            if self._known is None or now - self._known[0] >= KEPT_S:
                found = await run_checks(self._checks)
                lost = frozenset(_failed(found))
                self._metrics.checked({name: name in lost for name in found})
                self._note(found, lost, before=self._known[1] if self._known else frozenset())
                self._known = (now, lost)
            return self._known[1]

    def _note(
        self, found: Mapping[str, Finding], lost: frozenset[str], *, before: frozenset[str]
    ) -> None:
        """Log the failed checks if they differ from those of the previous time."""
        if lost == before:
            return
        wrong = {name: found[name].reason for name in sorted(lost)}
        if lost - self._survived:
            log.error("not-ready", wrong=wrong, help="ossferry doctor")
        elif lost:
            log.warning("degraded", wrong=wrong, help="ossferry doctor")
        else:
            log.info("ready")


def _failed(found: Mapping[str, Finding]) -> Iterable[str]:
    return (name for name, each in found.items() if each.outcome is Outcome.FAIL)
