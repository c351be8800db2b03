"""The uploader as a library: sends files from a browser straight to OSS.

`connect` asks a server for the permission to upload. `client` has the uploads of a connection,
`oss` is the protocol, `transfer` the engine that sends files, and `browser` the access to
JavaScript. The code uses only what MicroPython, Pyodide and CPython have in common.
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
    """Ask a server for the permission to upload, and return the connection.

    Args:
        server: the address of the server, such as `https://uploads.example`; empty in a page that
            the server itself has sent.
        token: a bearer token that identifies the person, or a function (also a coroutine function)
            that returns the token and is called before each request to the server. Without a token,
            the page's cookies identify the person, which browsers send only to the server that sent
            the page. For a page of another site, the server's `OSSFERRY_CORS_ORIGINS` must name
            that site.

    Raises:
        GrantRefused: the server refused the request, or did not answer (status 0).
        JsException: the page's Content-Security-Policy forbids `eval`, and the page has not loaded
            the library's script with a tag.
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
