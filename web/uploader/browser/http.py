"""Sends files with XMLHttpRequest, which `exchange.js` drives."""

import asyncio

import js
from pyscript.ffi import create_proxy

from uploader.browser.files import bytes_of, check_readable
from uploader.browser.interop import release
from uploader.browser.probe import why_lost
from uploader.oss.errors import Lost
from uploader.oss.replies import Reply
from uploader.transfer.files import Piece
from uploader.transfer.plan import SMALL_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.oss.requests import Request

__all__ = ["BrowserHttp"]

STALL_S = 30
ANSWER_S = 120  # for what OSS has to put together first
BUFFERED_BYTES = 8 * 1024 * 1024  # may have left, and wait in the systems of both ends
SLOW_BYTES_PER_S = 32 * 1024
TRAFFIC_LIMIT = "x-oss-traffic-limit"  # bits per second


class BrowserHttp:
    """The engine's `Http` port."""

    def __init__(self, *, stall_s: float = STALL_S, answer_s: float = ANSWER_S) -> None:
        self._stall_s = stall_s
        self._answer_s = answer_s

    async def send(
        self, request: "Request", body: "Piece | str | None", on_progress: "Callable[[int], None]"
    ) -> Reply:
        """Send one request; give up when next to nothing moves for `stall_s` seconds.

        Headers of the reply that CORS hides read as empty. A small piece counts as sent at once,
        and has as long as an answer has. Where OSS limits the speed, what the systems hold back has
        the time that it needs; elsewhere, once all has left, the time that a slow line needs.

        Raises:
            Lost: no answer came; the reason has been looked into.
            FileUnreadable: the file is why.
        """
        patience_s = self._stall_s if isinstance(body, Piece) else self._answer_s
        progress = None
        if isinstance(body, Piece) and body.size <= SMALL_BYTES:
            patience_s = self._answer_s
            on_progress(body.size)
        else:
            progress = create_proxy(lambda sent: on_progress(int(sent)))
        lines = "\n".join([": ".join(header) for header in request.headers])
        held_s = 0.0
        if isinstance(body, Piece):
            patience_s += _held_back_s(request, body.size)
            held_s = min(body.size, BUFFERED_BYTES) / SLOW_BYTES_PER_S
        told = asyncio.Event()
        answers: list[str] = []

        def answered(text: str) -> None:
            answers.append(text)
            told.set()

        done = create_proxy(answered)
        exchange = js.ossferry.exchange(
            request.method,
            request.url,
            lines,
            bytes_of(body) if isinstance(body, Piece) else body,
            patience_s * 1000,
            held_s * 1000,
            progress,
            done,
        )
        if isinstance(body, Piece):
            body.give_up = lambda: exchange.giveUp()
        try:
            await told.wait()
        finally:
            if isinstance(body, Piece):
                body.give_up = None
            if not answers:
                exchange.abort()
            release(done)
            if progress:
                release(progress)
        answer = answers[0]
        head, found, text = answer.partition("\r\n\r\n")
        if found:
            return Reply(int(head.partition("\r\n")[0]), lambda name: _header(head, name), text)
        if isinstance(body, Piece):
            await check_readable(body)
        raise Lost(Lost.STALLED if answer else await why_lost(request))


def _held_back_s(request: "Request", size: int) -> float:
    for name, value in request.headers:
        if name == TRAFFIC_LIMIT:
            return min(size, BUFFERED_BYTES) * 8 / int(value)
    return 0.0


def _header(head: str, name: str) -> str:
    """Return what follows `name: ` in lines that all begin with CRLF, names in lower case."""
    _, found, rest = head.partition(f"\r\n{name.lower()}: ")
    return rest.partition("\r\n")[0].strip() if found else ""
