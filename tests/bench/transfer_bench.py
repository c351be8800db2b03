"""Upload speed over loopback and over simulated lines, beside `ali-oss`, Uppy and a page that does
nothing but send.

All send the same files (zeros) from the same Chromium over the same line to the same sink. The
peers send six concurrent requests; over HTTP/2 and to several domains, our page sends more small
requests. Only requests to OSS use the line: each page, its grant and its signed URLs come over
loopback. On slow lines, works are smaller, so that one measurement takes less than half a minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from bench.line_model import LINES
from bench.sending import MIB, OURS, Route, open_place
from bench.table import Bench, Only, Peer, Row, Value

MB, KB = 10**6, 1 << 10
LOOPBACK = Route()
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
    """Files to send, and the required ratios.

    Attributes:
        size: bytes of each file.
        ratios: required ratio of our speed to that of each peer; None without a requirement.
        share: required share of the line's bandwidth.
    """

    name: str
    files: int
    size: int
    ratios: dict[str, float | None]
    route: Route = LOOPBACK
    share: float | None = None

    @property
    def large(self) -> bool:
        """Whether the bandwidth matters more than the round trips."""
        return self.size >= MB

    @property
    def amount(self) -> float:
        """What is sent, in MB or in files."""
        return self.files * self.size / MB if self.large else self.files

    @property
    def share_name(self) -> str:
        """Name of the row with the share of the bandwidth."""
        return f"{self.name}, share of the line"

    def beside(self, peer: str) -> str:
        """Return the name of the row beside a peer."""
        return f"{self.name} beside {BESIDE[peer]}"

    def rows(self) -> Iterator[Row]:
        """Yield the rows of the report."""
        unit = "MB/s" if self.large else "files/s"
        for peer, ratio in self.ratios.items():
            reach = f">= {ratio} x peer" if ratio else None
            yield Row(self.beside(peer), unit, peer=PEERS[peer], reach=reach)
        if self.large and self.route.line:
            reach = f">= {100 * self.share:.0f} %" if self.share else None
            yield Row(self.share_name, "%", reach=reach)


def _works() -> Iterator[Work]:
    ratios: dict[str, float | None] = {ALI_OSS: None, BARE: 0.8}
    yield Work(name="transfer: 512 MB in parts", files=1, size=512 * MIB, ratios=ratios)
    ratios = {ALI_OSS: 1.3, BARE: 0.85}
    yield Work(name="transfer: 500 files of 10 KB", files=500, size=10 * KB, ratios=ratios)
    large: dict[str, float | None] = {ALI_OSS: None, UPPY: None, BARE: 0.98}
    for line in LINES:
        route, share = Route(line=line), 0.85 if line == FAR else None
        for files, size in ((1, 25), (10, 3)) if line == SLOW else ((1, 100), (40, 3)):
            name = f"line {line}: {files} x {size} MB"
            size *= MB
            yield Work(name=name, files=files, size=size, ratios=large, route=route, share=share)
        yield _small(route, 1.8)
    yield _small(Route(line=FAR, http2=True), 4.0, ", HTTP/2")
    yield _small(Route(line=FAR, domains=3), 4.0, ", 3 domains")


def _small(route: Route, ratio: float, over: str = "") -> Work:
    ratios = {ALI_OSS: ratio, UPPY: ratio, BARE: None}
    name = f"line {route.line}: 300 x 10 KB{over}"
    return Work(name=name, files=300, size=10 * KB, ratios=ratios, route=route)


def _measure(work: Work, only: Only) -> Iterator[Value]:
    """Yield the requested values; only the senders that they need are measured."""
    peers = [peer for peer in work.ratios if only(work.beside(peer))]
    with open_place(work.route) as place:
        paths = place.files(work.files, work.size)
        ours, *theirs = [work.amount / place.seconds(who, paths) for who in (OURS, *peers)]
    for peer, speed in zip(peers, theirs, strict=True):
        yield work.beside(peer), ours, speed
    if work.large and work.route.line:
        yield work.share_name, 100 * ours * MB / LINES[work.route.line].bytes_per_s, None


BENCHES = tuple(
    Bench(
        rows=tuple(work.rows()),
        needs=("chromium", "nginx") if work.route.http2 else ("chromium",),
        measure=partial(_measure, work),
    )
    for work in _works()
)
