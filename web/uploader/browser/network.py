"""Whether there may be a network again, as far as the browser knows."""

import asyncio

import js
from pyscript.ffi import create_proxy

from uploader.browser.interop import release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BrowserNetwork"]


class BrowserNetwork:
    """The engine's `Network` port. `navigator.onLine` is not asked: it is often wrong."""

    async def may_be_back(self, timeout_s: float) -> None:
        """Return at the browser's `online` event, or after `timeout_s`."""
        woken = asyncio.Event()

        def wake(_event: "Any" = None) -> None:
            woken.set()

        proxy = create_proxy(wake)
        js.window.addEventListener("online", proxy)
        timer = js.setTimeout(proxy, timeout_s * 1000)
        try:
            await woken.wait()
        finally:
            js.clearTimeout(timer)
            js.window.removeEventListener("online", proxy)
            release(proxy)
