"""Loads a page in an empty browser on a slow line, and tells when it was ready and what it cost.

Times come from the page's own clock (`performance.now()`, zero when the navigation starts), noted
at the moment something happens and never by polling from outside.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Browser, CDPSession, Page, TimeoutError

__all__ = ["Load", "NotReadyError", "load"]

MEGABITS_PER_S = 10
LATENCY_MS = 40
TIMEOUT_MS = 60_000
QUIET_MS = 500

# Notes the moment of <html data-app="ready">, and of the first paint that shows something.
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
    """The page did not start; the message holds what it said on its console."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One cold load; times in milliseconds since the navigation started."""

    wire_bytes: int
    ready_ms: float
    paint_ms: float
    noted: dict[str, float]


class Wire:
    """Counts what Chromium receives: headers and bodies, as they came over the line."""

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
    browser: Browser,
    url: str,
    *,
    init_script: str = "",
    then: Callable[[Page], None] | None = None,
) -> Load:
    """Load `url` with an empty cache at 10 Mbit/s and 40 ms, until it is ready and the line quiet.

    Args:
        init_script: runs before anything of the page; what it puts into `bench` is `Load.noted`.
        then: called with the page once it is ready.

    Raises:
        NotReadyError: it did not become ready in a minute.
    """
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    cdp = context.new_cdp_session(page)
    wire = Wire(cdp)
    cdp.send("Network.enable")
    cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
    cdp.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": MEGABITS_PER_S * 1e6 / 8,
            "uploadThroughput": MEGABITS_PER_S * 1e6 / 8,
        },
    )
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


def _wait_until_quiet(page: Page, wire: Wire) -> None:
    seen = -1
    while seen != wire.events:
        seen = wire.events
        page.wait_for_timeout(QUIET_MS)
