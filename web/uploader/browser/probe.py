"""Why no answer came. A browser hides it, so two small requests find out.

A request without CORS tells whether anybody is there; one with CORS, refused by OSS for its
worthless signature, tells whether the bucket's CORS rule lets this page in.
"""

import js
from pyscript.ffi import to_js

from uploader.browser.interop import JsException
from uploader.oss.errors import Lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.oss.requests import Request

__all__ = ["why_lost"]

WORTHLESS = "OSS4-HMAC-SHA256 Credential=probe,Signature=probe"
PATIENCE_MS = 10_000
TIMED_OUT = "TimeoutError"


async def why_lost(request: "Request") -> str:
    """Return the reason, one of those of `Lost`, why `request` got no answer."""
    origin = "/".join(request.url.split("/")[:3]) + "/"
    if await _failure(origin, {"mode": "no-cors", "method": "GET"}):
        return Lost.UNREACHABLE
    failure = await _failure(
        request.url,
        {"mode": "cors", "method": request.method, "headers": {"authorization": WORTHLESS}},
    )
    return Lost.CORS if failure and TIMED_OUT not in failure else Lost.INTERRUPTED


async def _failure(url: str, options: "dict[str, object]") -> str:
    """Return why there is no answer, in the browser's words; empty if there is one."""
    options.update({"cache": "no-store", "credentials": "omit"})
    given = to_js(options)
    given.signal = js.AbortSignal.timeout(PATIENCE_MS)
    try:
        await js.fetch(url, given)
    except JsException as error:
        return str(error) or "no answer"
    return ""
