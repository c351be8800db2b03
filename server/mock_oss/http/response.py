"""Responses of the mock: status, headers, and a body from memory or from the store."""

from base64 import b64encode
from collections.abc import Iterable

from mock_oss.errors import RefusedError
from mock_oss.http.documents import Content, document, printable
from mock_oss.segments import Segment


class Response:
    """A response that has not been sent yet.

    `headers` are (name, value) pairs, without Content-Length, and without the headers that `App`
    adds to every response: Server, Date, Connection, x-oss-request-id, x-oss-server-time and
    x-oss-mock. The content is `body`, unless `segments`, a list of slices of stored data, is given.
    If `is_gzip` is true, the segments are compressed while they are sent. `length` is the value of
    Content-Length; by default the size of `body`, and None for a response without Content-Length.
    If `is_endless` is true, blanks follow the body until the client closes the connection.
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
        """The number of bytes in `body`, or in `segments` if they are given, before compression."""
        return len(self.body) if self.segments is None else sum([s.size for s in self.segments])

    @property
    def is_xml(self) -> bool:
        """Whether the Content-Type is exactly `application/xml`, as in responses of OSS."""
        return any(n.lower() == "content-type" and v == "application/xml" for n, v in self.headers)


def document_response(
    body: bytes, headers: Iterable[tuple[str, str]] = (), *, status: int = 200
) -> Response:
    """Return a response whose body is an XML document.

    Args:
        body: the XML document.
        headers: additional response headers as (name, value) pairs.
        status: the HTTP status.
    """
    return Response(status, [("Content-Type", "application/xml"), *headers], body)


def xml_response(
    root: str, content: Content, headers: Iterable[tuple[str, str]] = (), *, status: int = 200
) -> Response:
    """Write an XML document, and return a response with this document as its body.

    Args:
        root: the name of the root element.
        content: the content of the root element, see `mock_oss.http.documents.tag`.
        headers: additional response headers as (name, value) pairs.
        status: the HTTP status.
    """
    return document_response(document(root, content), headers, status=status)


def error_response(refused: RefusedError, *, request_id: str, host: str, head: bool) -> Response:
    """Return an error response with a well-formed XML document as its body.

    The response to a HEAD request has no body; the header `x-oss-err` contains the document in
    base64. A response with the status 304 has no document.

    Args:
        refused: the error.
        request_id: the id of the request.
        host: the Host header of the request.
        head: whether the method of the request is HEAD.
    """
    headers = [("x-oss-ec", refused.ec), *refused.headers.items()]
    if refused.status == 304:
        return Response(304, headers[1:], length=None)
    contents = {
        "Code": refused.code,
        "Message": refused.message,
        "RequestId": request_id,
        "HostId": host,
        **refused.extras,
        "EC": refused.ec,
        "RecommendDoc": f"https://api.aliyun.com/troubleshoot?q={refused.ec}",
    }
    body = document("Error", printable(contents))
    if head:
        headers.append(("x-oss-err", b64encode(body).decode()))
        return Response(refused.status, headers)
    return document_response(body, headers, status=refused.status)
