"""Processor time of the browser for a gigabyte and for a thousand small files, over loopback.

Other work on the machine changes it less than elapsed time. All processes of Chromium count: the
page, its worker, the network service and the browser itself. The peer is the bare page of the
transfers, which signs nothing, computes no checksum and shows nothing.
"""

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.sending import OURS, Place, open_place
from bench.table import Bench, Only, Row, Value
from bench.transfer_bench import BARE, PEERS

AFTER_S = 2.0  # after the last file: receipts, records and the last update of the list count too
REACH = "<= 1.3 x peer"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
WORKS = {
    "processor time: 1 GB in parts": (1, 10**9),
    "processor time: 1,000 files of 10 KB": (1_000, 10_240),
}
"""The number and the size of the files."""


def _measure(name: str, _only: Only) -> Iterator[Value]:
    with open_place() as place:
        paths = place.files(*WORKS[name])
        yield name, _cpu_s(place, OURS, paths), _cpu_s(place, BARE, paths)


def _cpu_s(place: Place, who: str, paths: list[Path]) -> float:
    with place.page(who) as page:
        started_s = browser_cpu_s()
        page.choose(paths)
        page.evaluate("bench.ended")
        time.sleep(AFTER_S)
        return browser_cpu_s() - started_s


def browser_cpu_s() -> float:
    """Return the processor time of all running Chromium processes that this process has started.

    In seconds. Processes that have ended do not count, so measure while the page is open.
    """
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    chromiums: set[int] = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        pid = int(folder.name)
        try:
            parents[pid], seconds[pid] = _stat((folder / "stat").read_text())
            if b"chrom" in (folder / "cmdline").read_bytes().partition(b"\0")[0]:
                chromiums.add(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
    return sum(seconds[pid] for pid in chromiums if _descends(pid, os.getpid(), parents))


def _stat(text: str) -> tuple[int, float]:
    """Return the parent and the processor time in the text of `/proc/PID/stat`."""
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != ancestor:
        pid = parents[pid]
    return pid == ancestor


BENCHES = tuple(
    Bench(
        rows=(Row(name, "s", peer=PEERS[BARE], reach=REACH),),
        needs=("chromium",),
        measure=partial(_measure, name),
    )
    for name in WORKS
)
