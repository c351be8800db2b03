"""Processor time of processes, which other work on the machine changes less than elapsed time."""

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


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
