"""The endpoint `/metrics`, which Prometheus reads with a separate token."""

import hmac

from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from ossferry.access.audit import Audit
from ossferry.errors import NotIdentifiedError
from ossferry.http.bearer import bearer_token
from ossferry.observability.metrics import Metrics
from ossferry.settings.model import Settings


class MetricsApi:
    """The handler of `/metrics`; a request needs the bearer token `OSSFERRY_METRICS_TOKEN`."""

    def __init__(self, settings: Settings, metrics: Metrics, audit: Audit) -> None:
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
        return Response(self._metrics.text(), media_type=CONTENT_TYPE_LATEST)
