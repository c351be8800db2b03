"""Gzip compression of response bodies.

The mock compresses a body if it is text of at least 1,024 bytes and the client accepts gzip.
Sources: vendor page GetObject, and (for the response headers) the tests of the official SDK.
"""

from mock_oss.http.request import Request

MIN_BYTES = 1024
TYPES = frozenset(
    """application/javascript application/json application/rss+xml application/x-javascript
    application/xml text/cache-manifest text/css text/html text/javascript text/json text/plain
    text/xml""".split()  # noqa: SIM905 - easier to read as a table
)
_DROPPED = frozenset({"etag", "content-md5", "accept-ranges"})


def wants_gzip(request: Request, headers: list[tuple[str, str]], size: int) -> bool:
    """Return whether the response body must be compressed with gzip.

    Args:
        request: the request with its Accept-Encoding header.
        headers: the headers of the response.
        size: the number of bytes in the body.
    """
    offered = request.headers.get("accept-encoding", "")
    if "gzip" not in offered or size < MIN_BYTES or request.http_version != "1.1":
        return False
    if not any(_accepts_gzip(item) for item in offered.split(",")):
        return False
    known = {name.lower(): value for name, value in headers}
    kind = known.get("content-type", "").partition(";")[0].strip().lower()
    return kind in TYPES and "content-encoding" not in known


def _accepts_gzip(item: str) -> bool:
    name, _, quality = item.replace(" ", "").partition(";q=")
    return name == "gzip" and quality.strip("0.") != "" if quality else name == "gzip"


def gzip_headers(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers of a compressed response.

    ETag, Content-MD5 and Accept-Ranges are removed. The CRC-64 of the uncompressed object stays.

    Args:
        headers: the headers of the uncompressed response.
    """
    kept = [(name, value) for name, value in headers if name.lower() not in _DROPPED]
    return [*kept, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
