"""When OSS compresses an answer: text of some length, for a client that takes gzip.

Source: vendor page GetObject; the official SDK's own suite for what the headers are then.
"""

from __future__ import annotations

from mock_oss.http.request import Request

__all__ = ["gzip_headers", "wants_gzip"]

MIN_BYTES = 1024
TYPES = frozenset(
    """application/javascript application/json application/rss+xml application/x-javascript
    application/xml text/cache-manifest text/css text/html text/javascript text/json text/plain
    text/xml""".split()  # noqa: SIM905 - a table
)
_DROPPED = frozenset({"etag", "content-md5", "accept-ranges"})


def wants_gzip(request: Request, headers: list[tuple[str, str]], size: int) -> bool:
    """Whether an answer with these headers and so many bytes is sent through gzip."""
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
    """Return the headers without what speaks of the bytes that are stored, and with what is sent.

    The CRC-64 stays that of the object.
    """
    kept = [(name, value) for name, value in headers if name.lower() not in _DROPPED]
    return [*kept, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
