"""Upload speed of our page, beside `ali-oss` and beside a page that does nothing but send.

All send the same files (zeros) from the same Chromium to the same sink, with six concurrent
requests and parts of 8 MiB. They run alternately, five times each; a row is the median. One PUT of
a whole file is sometimes fast and sometimes slow in every page, so its row is the median of fifteen
runs. The bare page signs nothing, computes no checksum and shows nothing. "CRC off" is our page
with a worker that reads nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.sending import MIB, Ours, Place, open_place
from bench.table import Bench, Only, Peer, Row

__all__ = ["BENCHES"]

ROUNDS, MANY_ROUNDS = 5, 15
ALI_OSS, BARE = "ali-oss", "bare"
PEERS = {
    ALI_OSS: Peer(name="ali-oss 6.23.0", work="page with the vendor's SDK; signs, no checksum"),
    BARE: Peer(name="bare JS page", work="only sends: no signature, no checksum, no list"),
}
RUNTIMES = {"MicroPython": "micropython", "Pyodide": "pyodide"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Files to send, and the required ratios of our speed to the peers'.

    `ali_oss` is `None` for large files: there the bare page is the measure, because it is at least
    twice as fast as `ali-oss`.
    """

    name: str
    files: int
    size: int
    single: bool = False
    ali_oss: float | None = None
    bare: float
    bare_crc_off: float | None = None

    def variants(self) -> Iterator[tuple[str, bool, str, float | None]]:
        """Yield, for each row, the suffix of its name, whether CRC is on, the peer and the required
        ratio.
        """
        yield "", True, ALI_OSS, self.ali_oss
        yield ", CRC on", True, BARE, self.bare
        if self.bare_crc_off is not None:
            yield ", CRC off", False, BARE, self.bare_crc_off


WORKS = (
    Work(name="512 MB in parts", files=1, size=512 * MIB, bare=0.8, bare_crc_off=0.95),
    Work(
        name="64 MB in one PUT",
        files=1,
        size=64 * MIB,
        single=True,
        bare=0.8,
        bare_crc_off=0.95,
    ),
    Work(name="500 files of 10 KB", files=500, size=10_240, ali_oss=1.3, bare=0.85),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One row: our page, the files to send, and the peer."""

    name: str
    work: Work
    ours: Ours
    peer: str
    reach: float | None


def _plans() -> Iterator[Plan]:
    for who, runtime in RUNTIMES.items():
        for work in WORKS:
            for ending, crc, peer, reach in work.variants():
                name = f"transfer, {who}: {work.name}{ending}"
                ours = Ours(runtime=runtime, crc=crc)
                yield Plan(name=name, work=work, ours=ours, peer=peer, reach=reach)


PLANS = tuple(_plans())


def _rows(work: Work, only: Only) -> Iterator[Row]:
    """Yield the requested rows; only the senders that they need are measured."""
    wanted = [plan for plan in PLANS if plan.work is work and only(plan.name)]
    with open_place() as place:
        speeds = _speeds(place, work, wanted)
    for plan in wanted:
        yield _row(plan, speeds[plan.ours], speeds[plan.peer])


def _speeds(place: Place, work: Work, plans: list[Plan]) -> "dict[Ours | str, float]":
    """Return the median speed of each sender in MB/s, or in files per second for several files."""
    senders: dict[Ours | str, list[float]] = {}
    for plan in plans:
        senders[plan.peer] = []
        senders[plan.ours] = []
    paths = place.files(work.files, work.size)
    amount = work.files if work.files > 1 else work.size / 1e6
    for _ in range(MANY_ROUNDS if work.single else ROUNDS):
        for sender, speeds in senders.items():
            speeds.append(amount / place.seconds(sender, paths, single=work.single))
    return {sender: median(speeds) for sender, speeds in senders.items()}


def _row(plan: Plan, speed: float, peer_speed: float) -> Row:
    ratio = speed / peer_speed
    return Row(
        name=plan.name,
        value=speed,
        unit="files/s" if plan.work.files > 1 else "MB/s",
        peer=PEERS[plan.peer],
        peer_value=peer_speed,
        ratio=ratio,
        reach=f">= {plan.reach} x peer" if plan.reach else None,
        met=ratio >= plan.reach if plan.reach else None,
    )


BENCHES = tuple(
    Bench(
        names=tuple(plan.name for plan in PLANS if plan.work is work),
        needs=("chromium",),
        rows=partial(_rows, work),
    )
    for work in WORKS
)
