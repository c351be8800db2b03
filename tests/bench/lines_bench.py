"""Upload speed over simulated lines, beside `ali-oss`, Uppy and a page that does nothing but send.

All send the same files (zeros) from the same Chromium over the same line to the same sink. The
peers send six concurrent requests; over HTTP/2 and to several domains, our page sends more small
requests. Only requests to OSS use the line: each page, its grant and its signed URLs come over
loopback. On slow lines, works are smaller, so that one measurement takes less than half a minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from bench.line_model import LINES
from bench.sending import OURS, Place, Route, open_place
from bench.table import Bench, Only, Peer, Row

MB, KB = 10**6, 1 << 10
SLOW, _NEAR, FAR, _FAST = LINES
ALI_OSS, UPPY, BARE = "ali-oss", "uppy", "bare"
PEERS = {
    ALI_OSS: Peer(name="ali-oss 6.23.0", work="page with the vendor's SDK; signs, no checksum"),
    UPPY: Peer(
        name="Uppy AwsS3 6.3.1",
        work="one PUT per file, no list; its server signs each URL, asked without the line",
    ),
    BARE: Peer(name="bare JS page", work="only sends: no signature, no checksum, no list"),
}
BESIDE = {ALI_OSS: "ali-oss", UPPY: "Uppy", BARE: "a bare page"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Files to send over a line, and the required ratios.

    Attributes:
        size: bytes of each file.
        ratios: required ratio of our speed to the peer's.
        share: required share of the line's bandwidth.
        domains: number of custom domains to which our page may send; 0 for the endpoint only.
        http2: whether the browser speaks HTTP/2 instead of HTTP/1.1.
    """

    line: str
    files: int
    size: int
    ratios: dict[str, float]
    share: float | None = None
    domains: int = 0
    http2: bool = False

    @property
    def route(self) -> Route:
        """How the pages reach the sink."""
        return Route(line=self.line, domains=self.domains, http2=self.http2)

    @property
    def large(self) -> bool:
        """Whether the bandwidth matters more than the round trips."""
        return self.size >= MB

    @property
    def unit(self) -> str:
        """Unit of the speed."""
        return "MB/s" if self.large else "files/s"

    @property
    def amount(self) -> float:
        """What is sent, in the unit of the speed."""
        return self.files * self.size / MB if self.large else self.files

    @property
    def name(self) -> str:
        """Name of the line and the work."""
        size = f"{self.size // MB} MB" if self.large else f"{self.size // KB} KB"
        over = ", HTTP/2" if self.http2 else f", {self.domains} domains" if self.domains else ""
        return f"line {self.line}: {self.files:,} x {size}{over}"

    @property
    def share_name(self) -> str:
        """Name of the row with the share of the bandwidth."""
        return f"{self.name}, share of the line"

    @property
    def names(self) -> dict[str, str]:
        """Name of the row beside each peer."""
        return {peer: f"{self.name} beside {beside}" for peer, beside in BESIDE.items()}


def _works() -> Iterator[Work]:
    for line in LINES:
        share = 0.85 if line == FAR else None
        large = {BARE: 0.98}
        size = 25 * MB if line == SLOW else 100 * MB
        yield Work(line=line, files=1, size=size, ratios=large, share=share)
        files = 10 if line == SLOW else 40
        yield Work(line=line, files=files, size=3 * MB, ratios=large, share=share)
        yield Work(line=line, files=300, size=10 * KB, ratios={ALI_OSS: 1.8, UPPY: 1.8})
    four = {ALI_OSS: 4.0, UPPY: 4.0}
    yield Work(line=FAR, files=300, size=10 * KB, ratios=four, http2=True)
    yield Work(line=FAR, files=300, size=10 * KB, ratios=four, domains=3)


def _rows(work: Work, only: Only) -> Iterator[Row]:
    """Yield the requested rows; only the senders that they need are measured."""
    peers = [peer for peer, name in work.names.items() if only(name)]
    with open_place(work.route) as place:
        ours, theirs = _speeds(place, work, peers)
    for peer in peers:
        yield _row(work, peer, ours, theirs[peer])
    if work.large:
        share = ours / (LINES[work.line].bytes_per_s / MB)
        reach = f">= {100 * work.share:.0f} %" if work.share else None
        yield Row(name=work.share_name, value=100 * share, unit="%", reach=reach)


def _speeds(place: Place, work: Work, peers: list[str]) -> tuple[float, dict[str, float]]:
    """Return our speed and those of the peers."""
    paths = place.files(work.files, work.size)
    ours = work.amount / place.seconds(OURS, paths)
    return ours, {peer: work.amount / place.seconds(peer, paths) for peer in peers}


def _row(work: Work, peer: str, speed: float, peer_speed: float) -> Row:
    reach = work.ratios.get(peer)
    return Row(
        name=work.names[peer],
        value=speed,
        unit=work.unit,
        peer=PEERS[peer],
        peer_value=peer_speed,
        reach=f">= {reach} x peer" if reach else None,
    )


BENCHES = tuple(
    Bench(
        names=(*work.names.values(), *([work.share_name] if work.large else [])),
        needs=("chromium", "nginx") if work.http2 else ("chromium",),
        rows=partial(_rows, work),
    )
    for work in _works()
)
