"""Upload speed of our page, beside `ali-oss` and beside a page that does nothing but send.

All send the same files (zeros) from the same Chromium to the same sink, with six concurrent
requests and parts of 8 MiB. They run alternately, five times each; a row is the median. The bare
page signs nothing, computes no checksum and shows nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.sending import MIB, OURS, open_place
from bench.table import Bench, Only, Peer, Row

ROUNDS = 5
PEERS = {
    "ali-oss": Peer(name="ali-oss 6.23.0", work="page with the vendor's SDK; signs, no checksum"),
    "bare": Peer(name="bare JS page", work="only sends: no signature, no checksum, no list"),
}
BESIDE = {"ali-oss": "ali-oss", "bare": "a bare page"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Files to send, and the required ratios of our speed to the peers'.

    For large files only the bare page is a measure, because it is at least twice as fast as
    `ali-oss`.
    """

    name: str
    files: int
    size: int
    ratios: dict[str, float]

    @property
    def names(self) -> dict[str, str]:
        """Name of the row beside each peer."""
        return {peer: f"transfer: {self.name} beside {beside}" for peer, beside in BESIDE.items()}


WORKS = (
    Work(name="512 MB in parts", files=1, size=512 * MIB, ratios={"bare": 0.8}),
    Work(name="500 files of 10 KB", files=500, size=10_240, ratios={"ali-oss": 1.3, "bare": 0.85}),
)


def _rows(work: Work, only: Only) -> Iterator[Row]:
    """Yield the requested rows; only the senders that they need are measured."""
    peers = [peer for peer, name in work.names.items() if only(name)]
    speeds = _speeds(work, [OURS, *peers])
    for peer in peers:
        reach = work.ratios.get(peer)
        yield Row(
            name=work.names[peer],
            value=speeds[OURS],
            unit="files/s" if work.files > 1 else "MB/s",
            peer=PEERS[peer],
            peer_value=speeds[peer],
            reach=f">= {reach} x peer" if reach else None,
        )


def _speeds(work: Work, senders: list[str]) -> dict[str, float]:
    """Return the median speed of each sender in MB/s, or in files per second for several files."""
    amount = work.files if work.files > 1 else work.size / 1e6
    speeds: dict[str, list[float]] = {sender: [] for sender in senders}
    with open_place() as place:
        paths = place.files(work.files, work.size)
        for _ in range(ROUNDS):
            for sender in senders:
                speeds[sender].append(amount / place.seconds(sender, paths))
    return {sender: median(found) for sender, found in speeds.items()}


BENCHES = tuple(
    Bench(names=tuple(work.names.values()), needs=("chromium",), rows=partial(_rows, work))
    for work in WORKS
)
