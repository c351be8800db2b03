"""The endpoint `/metrics`, which Prometheus reads with a separate token."""

import hmac
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass

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


@dataclass(slots=True, eq=False, repr=False)
class MetricsApi:
    """The handler of `/metrics`; a request needs the bearer token `OSSFERRY_METRICS_TOKEN`.

    Args:
        ledger: the ledger with uploads that wait for the scanner; None if none can wait.
    """

    settings: Settings
    metrics: Metrics
    audit: Audit
    _: KW_ONLY
    ledger: Database | None = None
    clock: Clock

    async def show(self, request: Request) -> Response:
        """Handle `GET /metrics`: return all metrics in the Prometheus text format.

        Raises:
            NotIdentifiedError: the token is missing or wrong.
        """
        with self.audit.refusals(request, "metrics"):
            given = bearer_token(request).encode("latin-1", "replace")
            token = self.settings.metrics_token
            if not (token and hmac.compare_digest(given, token.get_secret_value().encode())):
                raise NotIdentifiedError("The token is not valid.")
        if self.ledger is not None:
            with suppress(LedgerLostError):  # another metric tells it
                async with self.ledger.read() as connection:
                    oldest = await holds.oldest(connection)
                now = self.clock()
                self.metrics.waits((now - oldest).total_seconds() if oldest else 0.0)
        return Response(self.metrics.text(), media_type=CONTENT_TYPE_LATEST)
