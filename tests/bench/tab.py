"""A browser tab with almost no DevTools instrumentation, as real users have it.

Playwright enables the Network domain for each page that it controls. For every request, Chromium
then records the initiator's stack frames, and copies the body if it is in memory. Playwright does
not control a page whose context it did not create. Such a page is controlled here through the
browser's own session, without any enabled domain during the measurement.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession

PATIENCE_S = 600
MAX_LOOK_S = 0.1  # between two polls for an answer, which are not free
READY = "document.documentElement?.dataset.app === 'ready'"
MESSAGE = "Target.receivedMessageFromTarget"


class Tab:
    """A page; `load` loads `url` again, with `scripts` that run before the page's own scripts.

    Attributes:
        patience_s: the longest time that the page may take to answer.
    """

    def __init__(self, cdp: CDPSession, url: str, scripts: tuple[str, ...]) -> None:
        self.patience_s: float = PATIENCE_S
        self._cdp = cdp
        self._url = url
        self._scripts = scripts
        self._numbers = count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._workers: dict[str, dict[str, Any]] = {}  # session id -> last answer
        context: str = cdp.send("Target.createBrowserContext")["browserContextId"]
        self._context = {"browserContextId": context}
        target = cdp.send("Target.createTarget", {"url": "about:blank"} | self._context)
        cdp.on(MESSAGE, self._received)
        attached = cdp.send("Target.attachToTarget", target | {"flatten": False})
        self._session: str = attached["sessionId"]

    def load(self) -> None:
        """Load or reload the page, and wait until it is ready."""
        self.evaluate("window.onbeforeunload = null")  # otherwise a dialog asks whether to leave
        self.send("Page.enable")
        for script in self._scripts:
            self.send("Page.addScriptToEvaluateOnNewDocument", source=script)
        self.send("Page.navigate", url=self._url)
        end_s = time.monotonic() + PATIENCE_S
        while not self.evaluate(READY):
            if time.monotonic() > end_s:
                raise TimeoutError(f"{self._url} is never ready")
            time.sleep(MAX_LOOK_S)
        self.send("Page.disable")

    def close(self) -> None:
        """Close the page."""
        self._cdp.send("Target.disposeBrowserContext", self._context)
        self._cdp.detach()

    def choose(self, paths: list[Path]) -> None:
        """Choose files in the page's file input."""
        found = self.send("Runtime.evaluate", expression="document.getElementById('files')")
        files = [str(path) for path in paths]
        self.send("DOM.setFileInputFiles", files=files, objectId=found["result"]["objectId"])

    def click(self) -> None:
        """Click on an empty spot of the page."""
        for kind in ("mousePressed", "mouseReleased"):
            at = {"x": 5, "y": 5, "button": "left", "clickCount": 1}
            self.send("Input.dispatchMouseEvent", type=kind, **at)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, after waiting for its promise."""
        how = {"awaitPromise": True, "returnByValue": True}
        answer = self.send("Runtime.evaluate", expression=expression, **how)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def watch_workers(self) -> None:
        """Attach to workers created from now on, for `ask_workers`."""
        self.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False)

    def ask_workers(self, method: str) -> list[dict[str, Any]]:
        """Send a command to all workers, and return the most recent answer of each."""
        for session in self._workers:
            message = json.dumps({"id": 1, "method": method})
            self.send("Target.sendMessageToTarget", sessionId=session, message=message)
        return list(self._workers.values())

    def send(self, method: str, **given: object) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result."""
        number = next(self._numbers)
        message = json.dumps({"id": number, "method": method, "params": given})
        told = {"sessionId": self._session, "message": message}
        self._cdp.send("Target.sendMessageToTarget", told)
        end_s, look_s = time.monotonic() + self.patience_s, 0.001
        while number not in self._answers:
            if time.monotonic() > end_s:
                raise TimeoutError(method)
            time.sleep(look_s)
            look_s = min(2 * look_s, MAX_LOOK_S)
            self._cdp.send("Browser.getVersion")  # makes Playwright deliver received messages
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _received(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self._answers[message["id"]] = message
        elif message["method"] == "Target.attachedToTarget":
            self._workers[message["params"]["sessionId"]] = {}
        elif message["method"] == MESSAGE:
            said = message["params"]
            self._workers[said["sessionId"]] = json.loads(said["message"]).get("result", {})


@contextmanager
def open_tab(browser: Browser, url: str, *scripts: str) -> Iterator[Tab]:
    """Open a page in a context of its own, with scripts that run before the page's own scripts."""
    tab = Tab(browser.new_browser_cdp_session(), url, scripts)
    try:
        tab.load()
        yield tab
    finally:
        tab.close()
