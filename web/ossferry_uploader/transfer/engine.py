"""The state that all uploads of a page share: credentials, connections, hosts, quota and speed."""

from ossferry_uploader.oss.errors import Lost
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.grants.forms import Forms
from ossferry_uploader.transfer.grants.origins import Origins, asking
from ossferry_uploader.transfer.grants.quota import Quota
from ossferry_uploader.transfer.pacing.retry import is_shut_out
from ossferry_uploader.transfer.pacing.speed_limit import SpeedLimit
from ossferry_uploader.transfer.plan import MIN_PART_BYTES
from ossferry_uploader.transfer.timeline import Timeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.oss.replies import Reply
    from ossferry_uploader.oss.requests import Request
    from ossferry_uploader.transfer.grants.credentials import GrantKeeper
    from ossferry_uploader.transfer.journal.journal import Journal
    from ossferry_uploader.transfer.pacing.connections import ConnectionPool
    from ossferry_uploader.transfer.ports import Ports

MEASURED_BYTES = 256 * 1024  # a smaller body measures latency, not speed
MEASURED_S = 2.0  # a smaller body that takes this long is measured too
OUTAGES = 3  # failures in a row before a custom domain is suspected
SERVER_ASKED_S = 10.0  # how long an answer of the server proves that the network works


class Engine:
    """The state that all uploads of a page share. Each upload has its own `Client`.

    `awaits_receipt()` returns whether the page reports each complete upload to the server. If so,
    the stored record of a complete multipart upload stays until the page calls `Queue.reported`. If
    the page is closed before that call, a later page finds the record.

    Attributes:
        rate_bytes_per_s: the speed of one connection, measured with large bodies and smoothed; 0 if
            unknown.
        is_shut_out: whether all tries of a request failed because of the bucket's CORS rule. Later
            requests that fail for this reason are then not retried.
    """

    def __init__(
        self, ports: "Ports", keeper: "GrantKeeper", pool: "ConnectionPool", journal: "Journal"
    ) -> None:
        self.ports = ports
        self.keeper = keeper
        self.pool = pool
        self.journal = journal
        self.forms = Forms()
        self.speed = SpeedLimit(pool)
        self.quota = Quota()
        self.timeline = Timeline()
        self.awaits_receipt: Callable[[], object] = lambda: False
        self.origins = Origins(ports.clock, asking(ports.http, keeper.server_now_s))
        self.rate_bytes_per_s = 0.0
        self.is_shut_out = False
        self._is_let_in = False  # the bucket's CORS rule has let this page read an answer
        self._server_answered_s: float | None = None  # `None`: not asked, or no answer
        self._is_custom_domain = False  # whether the latest request went to a custom domain

    async def exchange(
        self, request: "Request", body: "Any", on_progress: "Callable[[int], None]"
    ) -> "Reply":
        """Send one signed request, and return OSS's reply. If the body is large, measure the speed.

        Args:
            body: a `Piece` of a file, text or `None`.
            on_progress: called with the number of bytes of the body sent so far.

        Raises:
            Lost: no reply came.
            FileUnreadable: the file is gone or has changed, or the page may not read it.
        """
        self._is_custom_domain = request.bucket.is_custom_domain
        is_free = not self.speed.traffic_limit  # otherwise the limit would be measured
        is_measured = is_free and isinstance(body, Piece) and body.size >= MIN_PART_BYTES
        begun_s = self.ports.clock.elapsed_s() if is_measured else 0.0
        try:
            reply = await self.ports.http.send(request, body, on_progress)
        except Lost as error:
            if is_shut_out(error) and self._is_let_in:
                raise Lost(Lost.INTERRUPTED)  # a gateway has answered, not the bucket
            raise
        self._is_let_in = True
        if is_measured and reply.status == 200:
            seconds = self.ports.clock.elapsed_s() - begun_s
            if seconds > 0 and (body.size >= MEASURED_BYTES or seconds >= MEASURED_S):
                rate, known = body.size / seconds, self.rate_bytes_per_s
                self.rate_bytes_per_s = (known + rate) / 2 if known else rate
        return reply

    async def is_domain_at_fault(self, outages: int) -> bool:
        """Return whether the bucket's custom domain is unreachable, although the network works.

        A browser reports a domain without a DNS record or certificate as a network failure. So the
        page sends a request to the ossferry server to find out whether the network works. The
        result is `False` if the latest request to OSS did not go to a custom domain.

        Args:
            outages: the number of network failures of an upload in a row.
        """
        if outages < OUTAGES or not self._is_custom_domain:
            return False
        clock, answered_s = self.ports.clock, self._server_answered_s
        if answered_s is not None and clock.elapsed_s() - answered_s < SERVER_ASKED_S:
            return True
        answers = await self.ports.network.server_answers()
        self._server_answered_s = clock.elapsed_s() if answers else None
        return answers
