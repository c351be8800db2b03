"""Prometheus metrics of requests, uploads, calls to STS, and decisions about grants.

Every label has a small, fixed set of values; clients cannot add values.

If there are several processes, `prometheus_client` stores the metrics of each process in a shared
folder. Each process reports the sum over all processes.
"""

import os
from collections.abc import Collection, Mapping
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ossferry.clock import Monotonic
from ossferry.mount import route_path

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
OTHER = "other"


class Metrics:
    """All Prometheus metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"ossferry_{name}", about, labels, registry=self.registry)

        def gauge(name: str, about: str, *labels: str) -> Gauge:
            mode: Literal["mostrecent"] = "mostrecent"
            name = f"ossferry_{name}"
            return Gauge(name, about, labels, registry=self.registry, multiprocess_mode=mode)

        self._decisions = counter("decisions", "Decisions about grants.", "outcome")
        self._sts_calls = counter("sts_calls", "Calls to STS.", "result")
        recorded = "Recorded uploads, by the source of the report."
        self._receipts = counter("receipts", recorded, "source")
        self._bytes = counter("recorded_bytes", "Bytes of recorded uploads.")
        refused = "Uploads that the page refused, because OSS stored other bytes."
        self._refused = counter("refused_uploads", refused)
        self._scans = counter("scans", "Looks at held uploads.", "outcome")
        self._scanned_bytes = counter("scanned_bytes", "Bytes of held uploads.")
        waits = "Age of the oldest upload that waits for the scanner."
        self._oldest = gauge("scan_oldest_seconds", waits)
        failed = "1 if a check of /readyz failed the last time, otherwise 0."
        self._failed = gauge("check_failed", failed, "check")
        self._requests = Histogram(
            "ossferry_request_seconds",
            "Time from the request to the end of the response.",
            ["route", "status"],
            buckets=BUCKETS,
            registry=self.registry,
        )

    def decided(self, outcome: str) -> None:
        """Count a decision about a request for a grant.

        Args:
            outcome: an error code if the grant was refused; `issued` or `reused` otherwise.
        """
        self._decisions.labels(outcome).inc()

    def called_sts(self, result: str) -> None:
        """Add 1 to the number of calls to STS.

        Args:
            result: `ok`, `refused`, `lost` (no usable answer) or `expired` (the received
                credentials had already expired).
        """
        self._sts_calls.labels(result).inc()

    def recorded(self, source: str, size: int) -> None:
        """Count an upload, and its bytes, as recorded in the ledger.

        Call this method only if a receipt was added or changed.

        Args:
            source: origin of the report: `page`, `form`, `callback`, `found` (by the server
                itself), or `listed` (the server has only seen the object in a list).
            size: size of the upload in bytes.
        """
        self._receipts.labels(source).inc()
        self._bytes.inc(size)

    def refused_upload(self) -> None:
        """Count an upload that the page refused, because its checksum was wrong."""
        self._refused.inc()

    def scanned(self, outcome: str, size: int) -> None:
        """Count a scan of a held upload, and its bytes.

        Args:
            outcome: `clean`, `bad`, `unscannable` or `later`.
        """
        self._scans.labels(outcome).inc()
        self._scanned_bytes.inc(size)

    def waits(self, seconds: float) -> None:
        """Set the age of the oldest upload that waits for the scanner; 0 if none waits."""
        self._oldest.set(seconds)

    def checked(self, failed: Mapping[str, bool]) -> None:
        """Set the gauges that show which checks of `/readyz` failed in the last run.

        Args:
            failed: whether each check failed, by the id of the check.
        """
        for name, has_failed in failed.items():
            self._failed.labels(name).set(has_failed)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Record the duration of a request and the status class of its response, such as `2xx`.

        Args:
            route: value of the label `route`, such as `/api/grant`.
        """
        self._requests.labels(route, f"{status // 100}xx").observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # untyped library
        return generate_latest(registry)


class Measured:
    """ASGI middleware that measures the duration of requests.

    Args:
        paths: request paths that get a `route` label of their own; all other paths share the label
            `other`.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, monotonic: Monotonic, paths: Collection[str]
    ) -> None:
        self._app = app
        self._paths = frozenset(paths)
        self._metrics = metrics
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, and record the duration and status of its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._monotonic()
        status = 500

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            path = route_path(scope)
            route = path if path in self._paths else OTHER
            self._metrics.answered(route, status, self._monotonic() - started)
