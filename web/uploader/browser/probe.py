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


async def why_lost(request: "Request") -> str:
    """Return the reason, one of those of `Lost`, why `request` got no answer."""
    origin = "/".join(request.url.split("/")[:3]) + "/"
    if not await _answers(origin, {"mode": "no-cors", "method": "GET"}):
        return Lost.UNREACHABLE
    allowed = await _answers(
        request.url,
        {"mode": "cors", "method": request.method, "headers": {"authorization": WORTHLESS}},
    )
    return Lost.INTERRUPTED if allowed else Lost.CORS


async def _answers(url: str, options: "dict[str, object]") -> bool:
    options.update({"cache": "no-store", "credentials": "omit"})
    try:
        await js.fetch(url, to_js(options))
    except JsException:
        return False
    return True
