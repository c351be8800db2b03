"""Send requests to OSS with the browser's `XMLHttpRequest`, through the script `exchange.js`."""

import asyncio

import js

from ossferry_uploader.browser.files import bytes_of, check_readable
from ossferry_uploader.browser.interop import JsException, create_proxy, release, to_js
from ossferry_uploader.oss.errors import Lost
from ossferry_uploader.oss.replies import Reply
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.plan import SMALL_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.oss.requests import Request

STALL_S = 30
ANSWER_S = 120  # OSS may have to assemble the object first
BUFFERED_BYTES = 8 * 1024 * 1024  # at most; sent bytes that are still in buffers of both ends
SLOW_BYTES_PER_S = 32 * 1024  # the slowest line for which the timeout is long enough
TRAFFIC_LIMIT = "x-oss-traffic-limit"  # bits per second
INVALID_SIGNATURE = "OSS4-HMAC-SHA256 Credential=probe,Signature=probe"
PROBE_MS = 10_000
TIMED_OUT = "TimeoutError"


class BrowserHttp:
    """Sends requests to OSS; implements `transfer.ports.Http`.

    Args:
        stall_s: the time in seconds without progress after which a request with a large body is
            aborted.
        answer_s: the timeout in seconds of all other requests, with a small body or none.
    """

    def __init__(self, *, stall_s: float = STALL_S, answer_s: float = ANSWER_S) -> None:
        self._stall_s = stall_s
        self._answer_s = answer_s

    async def send(
        self, request: "Request", body: "Piece | str | None", on_progress: "Callable[[int], None]"
    ) -> Reply:
        """Send one request to OSS, and return the reply, even if its status is an error.

        If the bucket's CORS rule hides a header, the header has an empty value in the reply.

        Args:
            body: a piece (byte range) of a file, text or `None`.
            on_progress: called with the number of bytes of the piece that were sent so far. If the
                piece is small (`SMALL_BYTES`), or the request has no progress, it is called once,
                with the size of the piece, before the request is sent.

        Raises:
            Lost: no reply came. The attribute `reason` tells why.
            FileUnreadable: no reply came, because the file cannot be read.
        """
        answer = await self._exchange(request, body, on_progress)
        head, separator, text = answer.partition("\r\n\r\n")
        if separator:
            return Reply(int(head.partition("\r\n")[0]), lambda name: _header(head, name), text)
        if isinstance(body, Piece):
            await check_readable(body)
        raise Lost(Lost.STALLED if answer else await _why_lost(request))

    async def _exchange(
        self, request: "Request", body: "Piece | str | None", on_progress: "Callable[[int], None]"
    ) -> str:
        """Send a request, and return the reply as one text.

        The text contains status, headers, an empty line and the body. Without a reply, the text is
        `stalled` or empty. `stalled` means that too few bytes were sent for too long. An empty text
        means that the connection broke.
        """
        progress = None
        if isinstance(body, Piece) and _has_no_progress(request, body):
            on_progress(body.size)
        else:
            most = body.size if isinstance(body, Piece) else 0  # the browser counts fields, too
            progress = create_proxy(lambda sent: on_progress(min(int(sent), most)))
        stall_s, drain_s = self._timeouts_s(request, body)
        ended = asyncio.Event()
        answers: list[str] = []

        def answered(text: str) -> None:
            answers.append(text)
            ended.set()

        done = create_proxy(answered)
        exchange = js.ossferry.exchange(
            request.method,
            request.url,
            "\n".join([": ".join(header) for header in request.headers]),
            request.is_form,
            bytes_of(body) if isinstance(body, Piece) else body,
            stall_s * 1000,
            drain_s * 1000,
            progress,
            done,
        )
        if isinstance(body, Piece):
            body.give_up = lambda: exchange.giveUp()
        try:
            await ended.wait()
        finally:
            if isinstance(body, Piece):
                body.give_up = None
            if not answers:
                exchange.abort()
            release(done)
            if progress:
                release(progress)
        return answers[0]

    def _timeouts_s(self, request: "Request", body: "Piece | str | None") -> "tuple[float, float]":
        """Return two times in seconds: the stall timeout of a request, and an extra time.

        The stall timeout limits the time without progress. The extra time is added to the wait for
        the reply after the last byte.

        When the browser reports the last byte as sent, network buffers may still contain bytes. The
        extra time is enough to transmit these bytes on a slow line. If the request has a speed
        limit, the stall timeout also includes the time that OSS needs to read these bytes.
        """
        if not isinstance(body, Piece):
            return self._answer_s, 0.0
        held_back = min(body.size, BUFFERED_BYTES)
        stall_s = self._answer_s if _has_no_progress(request, body) else self._stall_s
        for name, value in request.headers:
            if name == TRAFFIC_LIMIT:
                stall_s += held_back * 8 / int(value)
        return stall_s, held_back / SLOW_BYTES_PER_S


def _has_no_progress(request: "Request", piece: Piece) -> bool:
    """Return whether a request is sent without progress events.

    Browsers send a form without a CORS preflight only if nothing listens to its progress.
    """
    return not request.has_progress or piece.size <= SMALL_BYTES


def _header(head: str, name: str) -> str:
    """Return the value of a header; empty if the header is missing.

    Args:
        head: status line and headers of a reply; the header names are in lower case.
    """
    _, separator, rest = head.partition(f"\r\n{name.lower()}: ")
    return rest.partition("\r\n")[0].strip() if separator else ""


async def _why_lost(request: "Request") -> str:
    """Find out why a request to OSS got no reply; return one of the reasons defined in `Lost`.

    Browsers hide the reason from pages. Therefore this function sends two small requests. The first
    one, in `no-cors` mode, shows whether the host can be reached. The second one uses CORS, and a
    signature that OSS refuses; it shows whether the bucket's CORS rule allows this page.
    """
    origin = "/".join(request.url.split("/")[:3]) + "/"
    if await _failure(origin, {"mode": "no-cors", "method": "GET"}):
        return Lost.UNREACHABLE
    failure = await _failure(
        request.url,
        {"mode": "cors", "method": request.method, "headers": {"authorization": INVALID_SIGNATURE}},
    )
    return Lost.CORS if failure and TIMED_OUT not in failure else Lost.INTERRUPTED


async def _failure(url: str, options: "dict[str, object]") -> str:
    """Send a request; return the text of the browser's error, empty if any response came.

    Args:
        options: options of the JavaScript function `fetch`.
    """
    options.update({"cache": "no-store", "credentials": "omit"})
    given = to_js(options)
    given.signal = js.AbortSignal.timeout(PROBE_MS)
    try:
        await js.ossferry.fetch(url, given)
    except JsException as error:
        return str(error) or "no answer"
    return ""
