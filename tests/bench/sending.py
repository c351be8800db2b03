"""Lets pages send files to the sink, and measures the time with the page's own clock.

The time starts at the `change` event of the file input, and ends when the page has confirmed that
the last file has arrived.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import httpx

from bench.chromium import chromium
from bench.http2 import running_http2
from bench.peers.pages import serve_pages
from bench.tab import Tab, open_tab
from ossferry.cli.demo import Demo
from ossferry.settings.model import Settings
from support.programs import free_port, running

TESTS = Path(__file__).parents[1]
MIB = 1 << 20
PART_BYTES = 8 * MIB
PARALLEL = 6
OURS = "ours"  # the sender that is our page; the others are those of `peers.pages`
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


class _DemoElsewhere(Demo):
    """The demo, whose page sends files to an endpoint or to custom domains."""

    def __init__(self, endpoint: str, domains: list[str]) -> None:
        self._domains = tuple(domains)
        super().__init__(
            endpoint=domains[0] if domains else endpoint, cname=bool(domains), max_file_size=1 << 40
        )

    def _make_settings(self, port: int, starting: ExitStack) -> Settings:
        settings = super()._make_settings(port, starting)
        return settings.model_copy(update={"upload_hosts": self._domains})


class Place:
    """Sink, servers and browser, ready for pages that send files."""

    def __init__(self, stack: ExitStack, folder: Path, route: Route) -> None:
        self._stack = stack
        self._folder = folder
        self._route = route
        port = free_port()
        self._sink = f"http://127.0.0.1:{port}/_sink"
        stack.enter_context(_running("sink", "bench.peers.sink", port, folder, str(port)))
        if route.http2:
            port = stack.enter_context(running_http2(port, folder / "nginx"))
        if route.line:
            # over HTTP/2, the real TLS handshake takes one of the two round trips of a handshake
            options = ["--line", route.line, "--handshakes", "1" if route.http2 else "2"]
            to, port = f"127.0.0.1:{port}", free_port()
            options += ["--to", to, "--listen", str(port)]
            stack.enter_context(_running("line", "bench.line", port, folder, *options))
        self._scheme, self._port = "https" if route.http2 else "http", port
        self._endpoint = f"{self._scheme}://localhost:{port}"
        self._peers = stack.enter_context(serve_pages())
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
            who: `OURS`, or `ali-oss`, `uppy`, `uppy-page` or `bare`, see `peers.pages`.
            script: runs before the page's own scripts.
        """
        scripts = [CLOCK, script]
        if who == OURS:
            scripts.append(SUM)
            url = self._demo.url
        else:
            query = {
                "endpoint": self._endpoint,
                "single": 2 * PART_BYTES,
                "part": PART_BYTES,
                "parallel": PARALLEL,
            }
            url = f"{self._peers}/{who}?{urlencode(query)}"
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

    @cached_property
    def _demo(self) -> Demo:
        """The demo, started for the first page of ours."""
        names = [f"files-{number}.localhost" for number in range(self._route.domains)]
        addresses = [f"{self._scheme}://{name}:{self._port}" for name in names]
        return self._stack.enter_context(_DemoElsewhere(self._endpoint, addresses))


@contextmanager
def open_place(route: Route | None = None) -> Iterator[Place]:
    """Start sink, servers and browser, and what the route needs; stop them at the end."""
    with ExitStack() as stack:
        yield Place(stack, Path(stack.enter_context(TemporaryDirectory())), route or Route())


@contextmanager
def _running(name: str, module: str, port: int, folder: Path, *options: str) -> Iterator[None]:
    """Run a module of ours that listens on a port, in a folder of its own."""
    own = folder / name
    own.mkdir()
    paths = f"{TESTS}:{TESTS.parent / 'server'}"
    with running([sys.executable, "-m", module, *options], own, port, PYTHONPATH=paths):
        yield
