"""Page load with checks beside the same page without, on the first and on the second visit.

Each first visit is in a new profile on disk. The second visit is in a new process of the browser
with this profile. In the same process, the visit right after a page with checks would be 45 ms
slower, and the next ones as fast as without checks. The pages take turns, and a row is the median.
The line of 10 Mbit/s and 40 ms is a proxy before the server, since Chromium's network emulation
does not apply to workers. Files go to a sink over another such line.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import Playwright, sync_playwright

from bench.checks_bench import STRIP, TABLE, VERDICTS, Options
from bench.chromium import options
from bench.cold_load import NOTE_TIMES, TIMEOUT_MS
from bench.sending import running_sink
from bench.table import Bench, Only, Peer, Row
from ossferry.cli.demo import Demo
from support.programs import free_port, running

TESTS = Path(__file__).parents[1]
ROUNDS = 5
MAX_RATIO = 1.05
FILE_BYTES = 1_000_000
LINE = ["--mbit", "10", "--rtt-ms", "40"]
LOOPBACK, SLOW = "loopback", "10 Mbit/s 40 ms"
WITH, WITHOUT = "with", "without"
SETTLED_MS = 1_500  # a page without checks, until the browser has stored compiled code
PEER = Peer(name="our page", work="the same page without checks")

# Notes when the last file has been sent.
SENT = """
new MutationObserver(() => {
  if (document.querySelector("[data-state=done]")) bench.sent ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributeFilter: ["data-state"] });
"""
WAIT = """async () => {
  while (!(%s)) await new Promise((done) => setTimeout(done, 100));
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Two visits of a page, in ms.

    Attributes:
        first, second: from the start of the navigation until the page is ready.
        sent: from the choice of a file, right after the start of the first visit, until it is sent.
    """

    first: float
    second: float
    sent: float


def _names(where: str) -> tuple[str, str, str]:
    return (
        f"checks: page ready, first visit, {where}",
        f"checks: page ready, second visit, {where}",
        f"checks: a file that needs none, first visit, {where}",
    )


def _rows(where: str, _only: Only) -> Iterator[Row]:
    visits: dict[str, list[Visits]] = {WITH: [], WITHOUT: []}
    with TemporaryDirectory() as folder, ExitStack() as stack, sync_playwright() as playwright:
        file = Path(folder) / "file.bin"
        file.write_bytes(bytes(FILE_BYTES))
        checks: dict[str, Options] = {WITH: {**TABLE, **STRIP}, WITHOUT: {}}
        urls = {
            who: stack.enter_context(_serve(where, built_in)) for who, built_in in checks.items()
        }
        for turn in range(ROUNDS + 1):
            for who, url in urls.items():
                visited = _visit_twice(playwright, url, file, has_checks=who == WITH)
                if turn:  # the first turn warms up the servers, and does not count
                    visits[who].append(visited)
    for name, what in zip(_names(where), ("first", "second", "sent"), strict=True):
        value, other = (median(getattr(x, what) for x in visits[who]) for who in (WITH, WITHOUT))
        yield Row(
            name=name,
            value=value,
            unit="ms",
            peer=PEER,
            peer_value=other,
            ratio=value / other,
            reach=f"<= {MAX_RATIO} x peer",
            met=value <= MAX_RATIO * other,
        )


@contextmanager
def _serve(where: str, built_in: Options) -> Iterator[str]:
    """Run a server and a sink for its files, and yield the address of the page."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        sink = free_port()
        stack.enter_context(running_sink(sink, folder))
        port = stack.enter_context(_line(sink)) if where == SLOW else sink
        endpoint = f"http://localhost:{port}"
        demo = stack.enter_context(Demo(endpoint=endpoint, checks_built_in=built_in))
        server = int(demo.url.rpartition(":")[2])
        page = stack.enter_context(_line(server)) if where == SLOW else server
        yield f"http://127.0.0.1:{page}"


@contextmanager
def _line(to: int) -> Iterator[int]:
    port = free_port()
    program = [sys.executable, "-m", "bench.line", "--to", f"127.0.0.1:{to}", *LINE]
    with (
        TemporaryDirectory() as folder,
        running([*program, "--listen", str(port)], Path(folder), port, PYTHONPATH=str(TESTS)),
    ):
        yield port


def _visit_twice(playwright: Playwright, url: str, file: Path, *, has_checks: bool) -> Visits:
    until = "bench.sent && bench.worker" if has_checks else "bench.sent"
    with TemporaryDirectory() as profile:
        first = _visit(playwright, profile, url, until, file)
        second = _visit(playwright, profile, url, "bench.ready")
    return Visits(first=first["ready"], second=second["ready"], sent=first["sent"] - first["start"])


def _visit(
    playwright: Playwright, profile: str, url: str, until: str, file: Path | None = None
) -> dict[str, float]:
    """Start the browser, load the page, choose a file as soon as the page is ready, and return the
    noted times.
    """
    context = playwright.chromium.launch_persistent_context(profile, **options())
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.add_init_script(NOTE_TIMES + VERDICTS + SENT)
    page.goto(url)
    page.locator("html[data-app=ready]").wait_for(state="attached")
    if file:
        page.locator("#files").set_input_files(file)
    page.evaluate(WAIT % until)
    page.wait_for_timeout(SETTLED_MS)
    noted: dict[str, float] = page.evaluate("bench")
    context.close()
    return noted


BENCHES = tuple(
    Bench(names=_names(where), needs=("chromium",), rows=partial(_rows, where))
    for where in (LOOPBACK, SLOW)
)
