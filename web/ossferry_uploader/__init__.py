"""The uploader as a library for Python in the browser: it sends files from a page straight to OSS.

The function `connect` asks an ossferry server for the permission to upload. The package `client`
has the interface for programs, `oss` the protocol, `transfer` the engine that sends files, and
`browser` the access to JavaScript. The code uses only the features that MicroPython, Pyodide and
CPython have in common.
"""

from ossferry_uploader.client.results import Done, Progress, UploadCancelled
from ossferry_uploader.transfer.options import KEEP_BOTH, REFUSE, REPLACE, Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.browser.server.calls import Token
    from ossferry_uploader.client.uploads import Uploads

__all__ = [
    "KEEP_BOTH",
    "REFUSE",
    "REPLACE",
    "Done",
    "Options",
    "Progress",
    "UploadCancelled",
    "connect",
]

WRITING_MS = 500.0  # between two batches of records in the browser's storage


async def connect(server: str = "", *, token: "Token" = None) -> "Uploads":
    """Ask an ossferry server for the permission to upload, and return an `Uploads` object.

    Args:
        server: the address of the server, such as `https://uploads.example`; empty if the server
            itself has sent the page.
        token: a bearer token that identifies the person, or a function (also a coroutine function)
            that returns the token and is called before each request to the server. Without a token,
            the page's cookies identify the person; browsers send them only to the server that sent
            the page. For a page of another site, the server's `OSSFERRY_CORS_ORIGINS` must name
            that site.

    Raises:
        GrantRefused: the server refused the request, or did not answer (status 0).
        JsException: the page's Content-Security-Policy forbids `eval`, and the page has not loaded
            `ossferry_uploader.js` with a `<script>` tag.
    """
    # These modules need JavaScript, and so can be imported only in a browser.
    from ossferry_uploader.browser.clock import Pace
    from ossferry_uploader.browser.server.calls import Server
    from ossferry_uploader.client.javascript import ensure_script
    from ossferry_uploader.client.uploads import Uploads
    from ossferry_uploader.uploader import Uploader

    ensure_script()
    soon = Pace(lambda: WRITING_MS)
    uploader = Uploader(Server(server.rstrip("/"), token), soon=soon, report=print)
    await uploader.keeper.get()
    return Uploads(uploader)
