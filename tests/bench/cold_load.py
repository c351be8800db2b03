"""Loads a page with an empty cache on a slow connection; measures time to readiness and transfer.

Times come from the page's own clock (`performance.now()`, zero when the navigation starts). They
are recorded when an event happens, never by polling from outside.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Browser, CDPSession, Page, TimeoutError

MEGABITS_PER_S = 10
LATENCY_MS = 40
TIMEOUT_MS = 60_000
QUIET_MS = 500

# Records the time of <html data-app="ready">, and of the first contentful paint.
NOTE_TIMES = """
window.bench = {};
new MutationObserver(() => {
  if (document.documentElement.dataset.app === "ready") bench.ready ??= performance.now();
}).observe(document, { subtree: true, attributeFilter: ["data-app"] });
new PerformanceObserver((list) => {
  for (const { startTime } of list.getEntriesByName("first-contentful-paint")) {
    bench.paint = startTime;
  }
}).observe({ type: "paint", buffered: true });
"""


class NotReadyError(Exception):
    """The page did not start; the message contains its console output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One cold load; times in milliseconds since the navigation started."""

    wire_bytes: int
    ready_ms: float
    paint_ms: float
    noted: dict[str, float]


class Wire:
    """Counts the bytes that Chromium receives: headers and bodies as transferred."""

    def __init__(self, cdp: CDPSession) -> None:
        self.received_bytes = 0
        self.events = 0
        cdp.on("Network.requestWillBeSent", lambda _event: self._note())
        cdp.on("Network.dataReceived", lambda _event: self._note())
        cdp.on("Network.loadingFinished", lambda event: self._note(event["encodedDataLength"]))

    def _note(self, received_bytes: float = 0) -> None:
        self.events += 1
        self.received_bytes += round(received_bytes)


def load(
    browser: Browser, url: str, *, init_script: str = "", then: Callable[[Page], None] | None = None
) -> Load:
    """Load `url` with an empty cache at 10 Mbit/s and 40 ms, until it is ready and the network
    idle.

    Args:
        init_script: runs before the page's own scripts; values that it adds to `bench` become
            `Load.noted`.
        then: called with the page once it is ready.

    Raises:
        NotReadyError: the page was not ready within a minute.
    """
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    cdp = context.new_cdp_session(page)
    wire = Wire(cdp)
    slow_line(cdp)
    cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.add_init_script(NOTE_TIMES + init_script)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(url)
    try:
        page.locator("html[data-app=ready]").wait_for(state="attached")
    except TimeoutError as error:
        raise NotReadyError(
            "\n".join([f"{url} did not become ready; its console:", *said])
        ) from error
    _wait_until_quiet(page, wire)
    if then is not None:
        then(page)
    noted: dict[str, float] = page.evaluate("bench")
    context.close()
    return Load(
        wire_bytes=wire.received_bytes,
        ready_ms=noted["ready"],
        paint_ms=noted["paint"],
        noted=noted,
    )


def slow_line(cdp: CDPSession) -> None:
    """Give a page a line of 10 Mbit/s and 40 ms."""
    cdp.send("Network.enable")
    cdp.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": MEGABITS_PER_S * 1e6 / 8,
            "uploadThroughput": MEGABITS_PER_S * 1e6 / 8,
        },
    )


def _wait_until_quiet(page: Page, wire: Wire) -> None:
    seen = -1
    while seen != wire.events:
        seen = wire.events
        page.wait_for_timeout(QUIET_MS)
