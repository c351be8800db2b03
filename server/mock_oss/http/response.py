"""Answers as values: status, headers, and a body of bytes or of stored segments."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

from mock_oss.errors import RefusedError
from mock_oss.http.documents import document, tag
from mock_oss.store import Segment

__all__ = ["Response", "error_response", "xml_response"]


class Response:
    """An answer on its way out.

    ``headers`` are (name, value) pairs without the common ones; ``segments`` stand for a body
    that is read from the store while it is sent, through gzip if ``is_gzip``. ``length`` is the
    Content-Length, None for an answer that has none (304, gzip, or blanks without end after the
    body if ``is_endless``).
    """

    __slots__ = ("body", "headers", "is_endless", "is_gzip", "length", "segments", "status")

    def __init__(
        self,
        status: int = 200,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        segments: list[Segment] | None = None,
        length: int | None = -1,
        is_gzip: bool = False,
    ) -> None:
        self.status = status
        self.headers = list(headers)
        self.body = body
        self.segments = segments
        self.is_gzip = is_gzip
        self.is_endless = False
        self.length = len(body) if length == -1 else length

    @property
    def size(self) -> int:
        """How many bytes the body has, before any gzip."""
        return len(self.body) if self.segments is None else sum([s.size for s in self.segments])

    @property
    def is_xml(self) -> bool:
        """Whether the body is an XML document."""
        return any(n.lower() == "content-type" and v == "application/xml" for n, v in self.headers)


def xml_response(
    root: str, children: Iterable[str], headers: Iterable[tuple[str, str]] = ()
) -> Response:
    """Return 200 with an XML document."""
    return Response(200, [("Content-Type", "application/xml"), *headers], document(root, children))


def error_response(refused: RefusedError, *, request_id: str, host: str, head: bool) -> Response:
    """Write a refusal as OSS does: an XML body, or base64 in ``x-oss-err`` for HEAD.

    Args:
        refused: what and why.
        request_id: of this request.
        host: the Host header.
        head: whether the request was HEAD.
    """
    headers = [("x-oss-ec", refused.ec), *refused.headers.items()]
    if refused.status == 304:
        return Response(304, headers[1:], length=None)
    extras = (
        tag(name, value if isinstance(value, str | int) else _nested(value))
        for name, value in refused.extras.items()
    )
    body = document(
        "Error",
        (
            tag("Code", refused.code),
            tag("Message", refused.message),
            tag("RequestId", request_id),
            tag("HostId", host),
            *extras,
            tag("EC", refused.ec),
            tag("RecommendDoc", f"https://api.aliyun.com/troubleshoot?q={refused.ec}"),
        ),
    )
    if head:
        headers.append(("x-oss-err", b64encode(body).decode()))
        return Response(refused.status, headers)
    return Response(refused.status, [("Content-Type", "application/xml"), *headers], body)


def _nested(values: object) -> list[str]:
    return [tag(k, v) for k, v in values.items()] if isinstance(values, dict) else [str(values)]
