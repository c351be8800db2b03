"""The upload speed limit, which a person can set to leave bandwidth to others.

A browser cannot limit the speed of a request. So OSS enforces the limit: the page sends it in the
header `x-oss-traffic-limit`, and OSS reads the body of the request no faster.

Source: OSS user guide, Single-connection bandwidth throttling.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.pacing.connections import ConnectionPool

MIN_BITS = 819_200  # of one request
MAX_BITS = 838_860_800
MIN_LIMIT_BYTES_PER_S = MIN_BITS // 8
COMFORTABLE_BITS = 4 * MIN_BITS  # of one request; a lower total reduces the connections instead


class SpeedLimit:
    """The speed limit for all connections together; a change applies only to later requests."""

    def __init__(self, pool: "ConnectionPool") -> None:
        self.bytes_per_s = 0  # 0 for no limit
        self.traffic_limit = 0  # bits per second for one request, 0 for none
        self._pool = pool

    def set(self, bytes_per_s: int) -> None:
        """Set the speed limit in bytes per second; 0 removes the limit.

        A limit below the smallest one that OSS allows is raised to that one.

        Raises:
            ValueError: `bytes_per_s` is negative.
        """
        if bytes_per_s < 0:
            raise ValueError("a speed limit is 0 or more bytes per second")
        if not bytes_per_s:
            self.bytes_per_s = self.traffic_limit = 0
            self._pool.limit(self._pool.connections)
            return
        self.bytes_per_s = max(MIN_LIMIT_BYTES_PER_S, int(bytes_per_s))
        bits = 8 * self.bytes_per_s
        connections = max(1, min(self._pool.connections, bits // COMFORTABLE_BITS))
        self.traffic_limit = min(MAX_BITS, bits // connections)
        self._pool.limit(connections)
