"""Wait for the network to return, and check whether the ossferry server responds."""

import asyncio

import js

from ossferry_uploader.browser.interop import JsException, create_proxy, release, to_js

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HEALTH = "/healthz"
TIMEOUT_MS = 5_000


class BrowserNetwork:
    """Checks the network and the ossferry server; implements `transfer.ports.Network`.

    The class does not use `navigator.onLine`, which is often wrong.

    Args:
        server: the address of the ossferry server without a slash at the end; empty for the server
            that sent the page.
    """

    def __init__(self, server: str = "") -> None:
        self._server = server

    async def may_be_back(self, timeout_s: float) -> None:
        """Return at the browser's next `online` event, or after `timeout_s` seconds without one."""
        woken = asyncio.Event()

        def wake(_event: "Any" = None) -> None:
            woken.set()

        proxy = create_proxy(wake)
        js.ossferry.addEventListener("online", proxy)
        timer = js.ossferry.setTimeout(proxy, timeout_s * 1000)
        try:
            await woken.wait()
        finally:
            js.ossferry.clearTimeout(timer)
            js.ossferry.removeEventListener("online", proxy)
            release(proxy)

    async def server_answers(self) -> bool:
        """Tell whether the ossferry server, or a proxy in front of it, responds to a request.

        The status of the response does not matter.
        """
        options = to_js({"cache": "no-store", "credentials": "omit", "mode": "no-cors"})
        options.signal = js.AbortSignal.timeout(TIMEOUT_MS)
        try:
            await js.ossferry.fetch(f"{self._server}{HEALTH}", options)
        except JsException:
            return False
        return True
