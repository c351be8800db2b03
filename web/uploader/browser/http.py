"""Sends files with XMLHttpRequest: the one way that reports upload progress of a Blob.

JavaScript callbacks are created and destroyed here, for each request.
"""

import asyncio

import js
from pyscript.ffi import create_proxy

from uploader.browser.files import check_readable
from uploader.browser.interop import release, wide
from uploader.browser.probe import why_lost
from uploader.oss.errors import Lost
from uploader.oss.replies import Reply
from uploader.transfer.ports import Piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploader.oss.requests import Request

__all__ = ["BrowserHttp"]

STALL_S = 30


class BrowserHttp:
    """The engine's `Http` port."""

    def __init__(self, *, stall_s: float = STALL_S) -> None:
        self._stall_ms = stall_s * 1000

    async def send(
        self, request: "Request", body: "Piece | str | None", on_progress: "Callable[[int], None]"
    ) -> Reply:
        """Send one request; give up when nothing moves for `stall_s` seconds.

        Raises:
            Lost: no answer came; the reason has been looked into.
            FileUnreadable: the file is why.
        """
        exchange = _Exchange(request, on_progress, self._stall_ms)
        try:
            await exchange.run(_content(body))
        finally:
            exchange.close()
        if exchange.answered:
            return exchange.reply()
        if isinstance(body, Piece):
            await check_readable(body)
        raise Lost(Lost.STALLED if exchange.stalled else await why_lost(request))


class _Exchange:
    """One XMLHttpRequest with its callbacks and its watchdog."""

    def __init__(
        self, request: "Request", on_progress: "Callable[[int], None]", stall_ms: float
    ) -> None:
        self.answered = False
        self.stalled = False
        self._on_progress = on_progress
        self._stall_ms = stall_ms
        self._timer: Any = None
        self._ended = asyncio.Event()
        self._proxies: list[Any] = []
        self._bark = self._proxy(self._stall)
        self._xhr = js.XMLHttpRequest.new()
        self._xhr.open(request.method, request.url)
        for name, value in request.headers:
            self._xhr.setRequestHeader(name, value)
        self._xhr.onload = self._proxy(self._load)
        for name in ("onerror", "onabort", "ontimeout"):
            setattr(self._xhr, name, self._proxy(self._end))
        self._xhr.upload.onprogress = self._proxy(self._progress)

    async def run(self, content: "Any") -> None:
        """Send, and return when there is an answer or none will come."""
        self._watch()
        self._xhr.send(content)
        await self._ended.wait()

    def reply(self) -> Reply:
        """Return the answer; headers that CORS hides read as empty."""
        known = _headers(self._xhr.getAllResponseHeaders())
        text = self._xhr.responseText
        return Reply(self._xhr.status, lambda name: known.get(name.lower(), ""), text)

    def close(self) -> None:
        """Stop the bytes if they still flow, and free every callback."""
        self._clear_timer()
        for name in ("onload", "onerror", "onabort", "ontimeout"):
            setattr(self._xhr, name, None)
        self._xhr.upload.onprogress = None
        if not self._ended.is_set():
            self._xhr.abort()
        for proxy in self._proxies:
            release(proxy)
        self._proxies = []

    def _proxy(self, function: "Any") -> "Any":
        proxy = create_proxy(function)
        self._proxies.append(proxy)
        return proxy

    def _load(self, _event: "Any") -> None:
        self.answered = True
        self._ended.set()

    def _end(self, _event: "Any") -> None:
        self._ended.set()

    def _progress(self, event: "Any") -> None:
        self._watch()
        self._on_progress(wide(event, "loaded"))

    def _watch(self) -> None:
        self._clear_timer()
        self._timer = js.setTimeout(self._bark, self._stall_ms)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            js.clearTimeout(self._timer)

    def _stall(self) -> None:
        self.stalled = True
        self._xhr.abort()


def _content(body: "Piece | str | None") -> "Any":
    return body.file.slice(body.offset, body.size) if isinstance(body, Piece) else body


def _headers(text: str) -> "dict[str, str]":
    pairs = [line.partition(":") for line in text.split("\r\n") if line]
    return {name.lower(): value.strip() for name, _, value in pairs}
