"""Find out why a request to OSS got no reply.

Browsers hide the reason from pages. Therefore this module sends two small requests. The first
request, in `no-cors` mode, shows whether the host can be reached. The second request uses CORS, and
a signature that OSS refuses; it shows whether the bucket's CORS rule allows this page.
"""

import js

from ossferry_uploader.browser.interop import JsException, to_js
from ossferry_uploader.oss.errors import Lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.requests import Request

INVALID_SIGNATURE = "OSS4-HMAC-SHA256 Credential=probe,Signature=probe"
TIMEOUT_MS = 10_000
TIMED_OUT = "TimeoutError"


async def why_lost(request: "Request") -> str:
    """Find out why a request to OSS got no reply; return one of the reasons defined in `Lost`."""
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
    given.signal = js.AbortSignal.timeout(TIMEOUT_MS)
    try:
        await js.ossferry.fetch(url, given)
    except JsException as error:
        return str(error) or "no answer"
    return ""
