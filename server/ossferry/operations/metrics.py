"""The endpoint `/metrics`, which Prometheus reads with a separate token."""

import hmac
from contextlib import suppress

from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from ossferry.access.audit import Audit
from ossferry.clock import Clock
from ossferry.errors import LedgerLostError, NotIdentifiedError
from ossferry.http.bearer import bearer_token
from ossferry.ledger import Database, holds
from ossferry.observability.metrics import Metrics
from ossferry.settings.model import Settings


class MetricsApi:
    """The handler of `/metrics`; a request needs the bearer token `OSSFERRY_METRICS_TOKEN`.

    Args:
        ledger: the ledger with uploads that wait for the scanner; None if none can wait.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        audit: Audit,
        *,
        ledger: Database | None = None,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        token = settings.metrics_token
        self._token = token.get_secret_value().encode() if token else b""
        self._metrics = metrics
        self._audit = audit

    async def show(self, request: Request) -> Response:
        """Handle `GET /metrics`: return all metrics in the Prometheus text format.

        Raises:
            NotIdentifiedError: the token is missing or wrong.
        """
        with self._audit.refusals(request, "metrics"):
            given = bearer_token(request).encode("latin-1", "replace")
            if not self._token or not hmac.compare_digest(given, self._token):
                raise NotIdentifiedError("The token is not valid.")
        if self._ledger is not None:
            with suppress(LedgerLostError):  # another metric tells it
                async with self._ledger.read() as connection:
                    oldest = await holds.oldest(connection)
                now = self._clock()
                self._metrics.waits((now - oldest).total_seconds() if oldest else 0.0)
        return Response(self._metrics.text(), media_type=CONTENT_TYPE_LATEST)
