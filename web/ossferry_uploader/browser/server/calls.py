"""Requests from the page to the JSON API of the ossferry server."""

import asyncio
import json

import js

from ossferry_uploader.browser.interop import create_proxy, release
from ossferry_uploader.oss.times import from_http
from ossferry_uploader.transfer.errors import ServerRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    Text = str | None
    Token = Text | Callable[[], Text | Awaitable[Text]]

TIMEOUT_MS = 15000


class NoToken(Exception):
    """Raised by an application's function for the bearer token, if the application has no token.

    The request that needs the token is not sent.
    """


class Server:
    """Sends requests to the JSON API of the ossferry server.

    Args:
        address: the address of the server without a slash at the end, such as
            `https://uploads.example`. For the server that sent the page: the path under which it
            serves the page, such as `/uploads`; empty for the root.
        token: a bearer token that identifies the person, or a function that returns the token and
            is called before each request. The function may be a coroutine function. It may raise
            `NoToken`; then the request is not sent, and fails as if the server had answered with
            status 401. Without a token, the server identifies the person by the cookies of the
            page; browsers send them only to the server that sent the page.
    """

    def __init__(self, address: str = "", token: "Token" = None) -> None:
        self.address = address
        self._token = token

    async def call(
        self,
        method: str,
        path: str,
        document: "dict[str, object] | None" = None,
        *,
        refusal: type = ServerRefused,
    ) -> "dict[str, Any]":
        """Send a request to the ossferry server, and return the JSON object of the response.

        Args:
            path: the path and the query, such as `/api/grant`.
            document: the JSON object to send; if empty or `None`, the request has no body.
            refusal: the class of the exception to raise, `ServerRefused` or a subclass.

        Returns:
            The JSON object; `{}` if the response has the status 204 and no body.

        Raises:
            ServerRefused: the server refused the request, did not answer (status 0), or did not
                send a JSON object (status 200).
        """
        body = json.dumps(document) if document else ""
        try:
            status, wait, date, text = await self._answer(method, path, body)
        except NoToken as error:
            raise refusal(401, code="no-token", detail=str(error))
        if not status:
            raise refusal(0, detail=text)
        if status == 204:
            return {}
        reply = _json(text)
        if status == 200 and reply is None:
            raise refusal(0, detail="the answer is no JSON object")
        if reply is None:
            reply = {}
        if status != 200:
            quota = reply.get("quota")
            raise refusal(
                status,
                code=str(reply.get("code", "")),
                detail=str(reply.get("detail", "")),
                id=str(reply.get("id", "")),
                quota=quota if isinstance(quota, dict) else None,
                prefix=str(reply.get("prefix", "")),
                reason=str(reply.get("reason", "")),
                retry_after_s=_wait_s(wait, date),
            )
        return reply

    async def _answer(self, method: str, path: str, body: str) -> "tuple[int, str, str, str]":
        """Send a request, and return status, `Retry-After`, `Date` and body of the response.

        If no response came, the status is 0, both headers are empty, and the body is the error's
        text.
        """
        given = self._token() if callable(self._token) else self._token
        token = given if given is None or isinstance(given, str) else await given
        ended = asyncio.Event()
        answers: list[tuple[int, str, str, str]] = []

        def answered(status: int, wait: str, date: str, text: str) -> None:
            answers.append((status, wait, date, text))
            ended.set()

        done = create_proxy(answered)
        url = f"{self.address}{path}"
        call = js.ossferry.call(method, url, body, token or "", TIMEOUT_MS, done)
        try:
            await ended.wait()
        finally:
            if not answers:
                call.forget()
            release(done)
        return answers[0]


def _wait_s(retry_after: str, date: str) -> "float | None":
    """Return the seconds to wait for a `Retry-After` header; `None` if it is missing or malformed.

    Args:
        retry_after: the value of the header: seconds, or a date by the server's clock.
        date: the `Date` header of the same response.
    """
    try:
        if retry_after.isdigit():
            return float(retry_after)
        return from_http(retry_after) - from_http(date)
    except ValueError:
        return None


def _json(text: str) -> "dict[str, Any] | None":
    """Return the JSON object in `text`, or `None` if the text is anything else."""
    try:
        document = json.loads(text)
    except (
        ValueError,
        RuntimeError,
    ):  # MicroPython raises a RuntimeError for thousands of brackets
        return None
    return document if isinstance(document, dict) else None
