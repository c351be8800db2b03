"""Lets pages send files to the sink, and measures the time with the page's own clock.

The time starts at the `change` event of the file input, and ends when the page has confirmed that
the last file has arrived.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import httpx

from bench.chromium import chromium
from bench.http2 import running_http2
from bench.peers.senders import serve_senders
from bench.tab import Tab, open_tab
from ossferry.cli.demo import Demo
from ossferry.settings.model import Settings
from support.programs import free_port, running, wait_for

TESTS = Path(__file__).parents[1]
MIB = 1 << 20
PART_BYTES = 8 * MIB
PARALLEL = 6
OURS = "ours"  # the sender that is our page; the others are those of `peers.senders`
SETTLED_S = 0.5  # wait until a page has finished its start-up work

# Records when files are chosen, and sets `ended`: the milliseconds until `finish()`.
CLOCK = """
window.bench = {};
bench.ended = new Promise((done, fail) => {
  bench.finish = () => done((bench.last ?? performance.now()) - bench.start);
  bench.fail = fail;
});
bench.ended.catch(() => {});
addEventListener("change", ({ target }) => {
  bench.wanted = target.files.length;
  bench.start = performance.now();
}, true);
"""

# Our page is finished when its summary says so. It updates the summary only every 80 ms, so the
# measured time ends with the last response that it needs, from the sink or the checksum worker.
SUM = """
const note = () => (bench.last = performance.now());
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (body) {
  this.addEventListener("loadend", note);
  send.call(this, body);
};
window.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", note);
  }
};
new MutationObserver(() => {
  const sum = document.querySelector("[data-testid=total] .fact")?.textContent ?? "";
  const [done, files] = sum.replaceAll(",", "").match(/\\d+/g) ?? [];
  if (+done === bench.wanted && +files === bench.wanted) bench.finish();
  const failed = document.querySelector("[data-state=failed]");
  if (failed) bench.fail(new Error(failed.textContent));
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How pages reach the sink. The pages themselves and their servers are reached over loopback.

    Attributes:
        line: name of the simulated line (`line_model.LINES`); None for loopback.
        domains: number of custom domains to which our page may send; 0 for the endpoint only.
        http2: whether nginx speaks HTTP/2 before the sink.
    """

    line: str | None = None
    domains: int = 0
    http2: bool = False


class _DemoWithDomains(Demo):
    """The demo, whose page sends files to several custom domains.

    Args:
        addresses: the addresses of the custom domains; the first one is the endpoint.
    """

    def __init__(self, addresses: list[str], **given: Any) -> None:
        super().__init__(endpoint=addresses[0], cname=True, **given)
        self._addresses = tuple(addresses)

    def _make_settings(self, port: int, starting: ExitStack) -> Settings:
        settings = super()._make_settings(port, starting)
        return settings.model_copy(update={"upload_hosts": self._addresses})


class Place:
    """Sink, servers and browser, ready for pages that send files."""

    def __init__(self, stack: ExitStack, folder: Path, route: Route) -> None:
        self._stack = stack
        self._folder = folder
        self._route = route
        port = free_port()
        self._sink = f"http://127.0.0.1:{port}/_sink"
        stack.enter_context(running_sink(port, folder))
        if route.http2:
            port = stack.enter_context(running_http2(port, folder / "nginx"))
        if route.line:
            port = stack.enter_context(_running_line(route, port, folder))
        self._scheme, self._port = "https" if route.http2 else "http", port
        self._endpoint = f"{self._scheme}://localhost:{port}"
        self._senders = stack.enter_context(serve_senders())
        self._demo: Demo | None = None
        trust = ["--ignore-certificate-errors"] if route.http2 else []
        self.browser = stack.enter_context(chromium(*trust))

    def files(self, count: int, size: int) -> list[Path]:
        """Return `count` sparse files of `size` zero bytes."""
        folder = self._folder / f"{count}-{size}"
        paths = [folder / f"file-{number:04}.bin" for number in range(count)]
        if not folder.exists():
            folder.mkdir()
            for path in paths:
                with path.open("wb") as file:
                    file.truncate(size)
        return paths

    @contextmanager
    def page(self, who: str, script: str = "") -> Iterator[Tab]:
        """Open the page of a sender and wait until it is ready for files.

        Args:
            who: `OURS`, or `ali-oss`, `uppy`, `uppy-page` or `bare`, see `peers.senders`.
            script: runs before the page's own scripts.
        """
        scripts = [CLOCK, script]
        if who == OURS:
            scripts.append(SUM)
            url = self._started_demo().url
        else:
            query = {
                "endpoint": self._endpoint,
                "single": 2 * PART_BYTES,
                "part": PART_BYTES,
                "parallel": PARALLEL,
            }
            url = f"{self._senders}/{who}?{urlencode(query)}"
        with open_tab(self.browser, url, "".join(scripts)) as tab:
            time.sleep(SETTLED_S)
            yield tab

    def seconds(self, who: str, paths: list[Path]) -> float:
        """Return how many seconds a sender took, in a new page."""
        with self.page(who) as page:
            page.choose(paths)
            took_ms: float = page.evaluate("bench.ended")
        return took_ms / 1000

    def requests(self) -> int:
        """Return how many requests the sink has received."""
        return int(httpx.get(self._sink, trust_env=False).text)

    def clear(self) -> None:
        """Let the sink forget what it has received."""
        httpx.delete(self._sink, trust_env=False)

    def _started_demo(self) -> Demo:
        if self._demo is None:
            self._demo = self._stack.enter_context(self._make_demo(max_file_size=1 << 40))
        return self._demo

    def _make_demo(self, **given: Any) -> Demo:
        if not self._route.domains:
            return Demo(endpoint=self._endpoint, **given)
        names = [f"files-{number}.localhost" for number in range(self._route.domains)]
        return _DemoWithDomains(
            [f"{self._scheme}://{name}:{self._port}" for name in names], **given
        )


@contextmanager
def open_place(route: Route | None = None) -> Iterator[Place]:
    """Start sink, servers and browser, and what the route needs; stop them at the end."""
    with ExitStack() as stack:
        yield Place(stack, Path(stack.enter_context(TemporaryDirectory())), route or Route())


@contextmanager
def running_sink(port: int, folder: Path) -> Iterator[None]:
    """Run the sink until the context ends; `folder` gets its log."""
    log = folder / "sink.log"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "bench.peers.sink", str(port)],
            env={"PYTHONPATH": f"{TESTS}:{TESTS.parent / 'server'}"},
            stdout=out,
            stderr=out,
        )
        try:
            wait_for(port, process, log)
            yield
        finally:
            process.terminate()
            process.wait(timeout=10)


@contextmanager
def _running_line(route: Route, sink: int, folder: Path) -> Iterator[int]:
    """Run a line to a port, and yield the port of the line.

    Over HTTP/2, the browser's real TLS handshake takes one of the two round trips of a handshake.
    """
    port, own = free_port(), folder / "line"
    own.mkdir()
    to = ["--to", f"127.0.0.1:{sink}", "--listen", str(port), "--line", str(route.line)]
    handshakes = ["--handshakes", "1"] if route.http2 else []
    program = [sys.executable, "-m", "bench.line", *to, *handshakes]
    with running(program, own, port, PYTHONPATH=str(TESTS)):
        yield port
