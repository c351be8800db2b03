"""Processor time of the browser for a gigabyte and for a thousand small files, over loopback.

All processes of Chromium count: the page, its worker, the network service and the browser itself.
The peer is the bare page of the transfers, which signs nothing, computes no checksum and shows
nothing. The pages take turns, and a row is the median.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.processor import browser_cpu_s
from bench.sending import OURS, Place, open_place
from bench.table import Bench, Only, Peer, Row

ROUNDS = 3
AFTER_S = 2.0  # after the last file: receipts, records and the last update of the list count too
MAX_RATIO = 1.3
BARE = "bare"
PEER = Peer(name="bare JS page", work="only sends: no signature, no checksum, no list")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Files to send."""

    name: str
    files: int
    size: int


WORKS = (
    Work(name="processor time: 1 GB in parts", files=1, size=10**9),
    Work(name="processor time: 1,000 files of 10 KB", files=1_000, size=10_240),
)


def _rows(work: Work, _only: Only) -> Iterator[Row]:
    with open_place() as place:
        turns = [(_cpu_s(place, OURS, work), _cpu_s(place, BARE, work)) for _ in range(ROUNDS)]
    mine, other = (median(each) for each in zip(*turns, strict=True))
    yield Row(
        name=work.name,
        value=mine,
        unit="s",
        peer=PEER,
        peer_value=other,
        reach=f"<= {MAX_RATIO} x peer",
    )


def _cpu_s(place: Place, who: str, work: Work) -> float:
    paths = place.files(work.files, work.size)
    with place.page(who) as page:
        started_s = browser_cpu_s()
        page.choose(paths)
        page.evaluate("bench.ended")
        time.sleep(AFTER_S)
        return browser_cpu_s() - started_s


BENCHES = tuple(
    Bench(names=(work.name,), needs=("chromium",), rows=partial(_rows, work)) for work in WORKS
)
