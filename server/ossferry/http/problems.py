"""Error responses: every error becomes `application/problem+json` with the id of the request.

If a browser opens a page, the error becomes an HTML page. The log entry has the same id. A response
contains no internal details and no details of upstream services; these details are written only to
the log.
"""

import secrets
from collections.abc import Mapping
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import TypedDict

from ossferry.errors import OssferryError
from ossferry.http.html import render
from ossferry.mount import mount_path
from ossferry.observability.log_format import logger, unexpected

log = logger("ossferry.problems")


class Problem(TypedDict):
    """A JSON error response (`application/problem+json`); some errors add more fields.

    Source: RFC 9457, "Problem Details for HTTP APIs".
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    id: str


def request_id(request: Request) -> str:
    """Return the id of a request: 14 hexadecimal digits, which `ProblemBoundary` has set."""
    found: str = request.state.request_id
    return found


def accepts_html(request: Request) -> bool:
    """Return whether a browser opens a page with this request, so that the response can be HTML."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


async def answer_problem(request: Request, error: Exception) -> Response:
    """Return the error response for an `OssferryError`; raise any other error again.

    Starlette calls this function as an exception handler. Errors with status 5xx are logged.
    """
    if not isinstance(error, OssferryError):
        raise error
    if error.status >= 500:
        log.warning("problem", request_id=request_id(request), code=error.code, **error.evidence)
    words = "The log holds the reason under this id." if error.status == 500 else str(error)
    headers = {} if error.retry_after_s is None else {"retry-after": str(error.retry_after_s)}
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return _respond(request, error.status, error.code, error.title, words, headers, error.more)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Return the error response for a Starlette `HTTPException`; raise any other error again."""
    if not isinstance(error, HTTPException):
        raise error
    code = f"http-{error.status_code}"
    words = "There is nothing at this address."
    return _respond(request, error.status_code, code, error.detail, words, error.headers or {})


class ProblemBoundary:
    """ASGI middleware that gives each request an id, and converts exceptions to error responses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and turn an error of the application into an error response.

        Raises:
            OssferryError: the error occurred after the response had started.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = secrets.token_hex(7)
        started = False

        async def send_noting_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noting_start)
        except Exception as error:
            request = Request(scope, receive)
            if not isinstance(error, OssferryError):
                log.error("unexpected", request_id=request_id(request), **unexpected(error))
            if started:
                raise OssferryError("The answer broke off.") from None
            shown = error if isinstance(error, OssferryError) else OssferryError()
            await (await answer_problem(request, shown))(scope, receive, send)


def _respond(
    request: Request,
    status: int,
    code: str,
    title: str,
    detail: str,
    headers: Mapping[str, str],
    more: Mapping[str, object] = MappingProxyType({}),
) -> Response:
    """Return the error as an HTML page if a GET request accepts HTML; otherwise as JSON."""
    id_ = request_id(request)
    if not accepts_html(request):
        content: Problem = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            "code": code,
            "id": id_,
        }
        return JSONResponse(
            {**more, **content}, status, headers=headers, media_type="application/problem+json"
        )
    app = request.scope.get("app")
    styles = getattr(app.state, "styles", "") if app else ""
    base = mount_path(request.scope)
    text = render(
        "problem.html",
        base=base,
        styles=(styles,),
        title=title,
        detail=detail,
        status=status,
        id=id_,
    )
    return Response(text, status, headers={**headers, "vary": "accept"}, media_type="text/html")
