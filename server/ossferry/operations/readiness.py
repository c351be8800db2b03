"""Health and readiness: whether the process runs, and whether it should get requests.

The server checks its services, such as STS and Redis, with probes. A load balancer removes a
process that is not ready. If a service that all processes share does not answer, this would remove
all processes, and nobody could use the functions that still work. Therefore an outage of a service
does not make a process unready once the process has been ready.

Before that, an outage does make the process unready: its settings may be wrong, and then a
deployment must not replace other processes by this one. The response of a ready process lists the
services with an outage as `degraded`, without the reasons. The log and a metric contain all failed
probes. The result is cached for 10 seconds.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Literal, NotRequired

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.access.audit import Audit
from ossferry.clock import Clock, Monotonic
from ossferry.diagnosis import probes
from ossferry.diagnosis.findings import Finding, Outcome
from ossferry.ledger import Database
from ossferry.observability.log_format import logger
from ossferry.observability.metrics import Metrics
from ossferry.oss.sts_guard import GuardedSts
from ossferry.settings.model import Settings
from ossferry.state.choice import Storage

KEPT_S = 10.0

log = logger("ossferry.readiness")


class Status(TypedDict):
    """The JSON response of `/healthz` and `/readyz`.

    `degraded` lists the ids of services that do not answer, if the process is ready without them.
    """

    status: Literal["ok", "not-ready"]
    degraded: NotRequired[list[str]]


async def health(_request: Request) -> Response:
    """Handle `GET /healthz`: return status 200 while the process runs; check nothing else."""
    answer: Status = {"status": "ok"}
    return JSONResponse(answer)


def survived_losses(settings: Settings, *, has_ledger: bool) -> frozenset[str]:
    """Return the ids of the probes that may fail without making a new process unready.

    These are `scanner`, because uploads wait for it, and `storage`, the probe of Redis, because the
    server can issue grants without Redis. With OpenID Connect and without a ledger, `storage` may
    not fail: then Redis stores the sessions.
    """
    needs_storage = "oidc" in settings.auth and not has_ledger
    return frozenset({"scanner"} if needs_storage else {"scanner", "storage"})


class Readiness:
    """The handler of `/readyz`, which reports whether this process should get requests."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        sts_date: probes.StsDate,
        *,
        sts: GuardedSts,
        audit: Audit,
        ledger: Database | None,
        metrics: Metrics,
        clock: Clock,
        monotonic: Monotonic,
    ) -> None:
        time = probes.StsTime(sts_date, clock)
        role = partial(probes.probe_role, sts, settings)
        self._probes = [
            probes.Probe(id="sts", run=time.probe_answer),
            probes.Probe(id="clock", run=time.probe_clock, needs=("sts",)),
            probes.Probe(id="role", run=role, needs=("clock",)),
            probes.Probe(id="storage", run=partial(probes.probe_storage, storage)),
            probes.Probe(id="audit", run=partial(probes.probe_audit, audit)),
        ]
        if ledger is not None:
            run = partial(probes.probe_ledger, ledger, clock)
            self._probes.append(probes.Probe(id="ledger", run=run))
            if settings.release == "checked":
                run = partial(probes.probe_scanner, ledger, clock)
                self._probes.append(probes.Probe(id="scanner", run=run, needs=("ledger",)))
        self._survived = survived_losses(settings, has_ledger=ledger is not None)
        self._metrics = metrics
        self._monotonic = monotonic
        self._was_ready = False
        self._known: tuple[float, frozenset[str], bool] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def show(self, request: Request) -> Response:
        """Handle `GET /readyz`: return the status 200 if the process is ready, otherwise 503.

        A new process is ready if no probe fails, except the probes in `survived_losses`. After
        that, it stays ready if each failed probe reports the outage of a service. A response with
        status 200 lists failed probes as `degraded`. After a stop signal, the status is 503.
        """
        not_ready: Status = {"status": "not-ready"}
        if getattr(request.state, "stopping", False):  # set by `DrainingServer`
            return JSONResponse(not_ready, 503, headers={"retry-after": "10"})
        lost, is_ready = await self._look()
        if not is_ready:
            return JSONResponse(not_ready, 503, headers={"retry-after": "10"})
        answer: Status = {"status": "ok"}
        if lost:
            answer["degraded"] = sorted(lost)
        return JSONResponse(answer)

    async def _look(self) -> tuple[frozenset[str], bool]:
        """Return the ids of the failed probes, and whether the process is ready.

        Run the probes if the result is not cached.
        """
        async with self._one_at_a_time:
            now = self._monotonic()
            if self._known is None or now - self._known[0] >= KEPT_S:
                found = await probes.run_probes(self._probes)
                wrong = {id_: each for id_, each in found.items() if each.outcome is Outcome.FAIL}
                is_ready = self._is_ready(wrong)
                self._was_ready |= is_ready
                self._metrics.checked({name: name in wrong for name in found})
                result = frozenset(wrong), is_ready
                if result != (self._known[1:] if self._known else (frozenset(), True)):
                    _note(wrong, is_ready=is_ready)
                self._known = (now, *result)
            return self._known[1:]

    def _is_ready(self, wrong: Mapping[str, Finding]) -> bool:
        if self._was_ready:
            return all(each.outage for each in wrong.values())
        return wrong.keys() <= self._survived


def _note(wrong: Mapping[str, Finding], *, is_ready: bool) -> None:
    reasons = {name: wrong[name].reason for name in sorted(wrong)}
    if not is_ready:
        log.error("not-ready", wrong=reasons, help="ossferry doctor")
    elif reasons:
        log.warning("degraded", wrong=reasons, help="ossferry doctor")
    else:
        log.info("ready")
