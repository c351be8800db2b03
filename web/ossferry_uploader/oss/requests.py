"""Build the requests to OSS that an upload needs, and sign them."""

from ossferry_uploader.oss.encoding import percent_encode
from ossferry_uploader.oss.replies import (
    Reply,
    read_aborted,
    read_completed,
    read_parts,
    read_stored,
    read_upload_id,
)
from ossferry_uploader.oss.signing import canonical_query, sign_headers
from ossferry_uploader.oss.times import iso_basic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ossferry_uploader.oss.signing import Credentials, Header, Parameter

PUT_OBJECT, INITIATE = "PutObject", "InitiateMultipartUpload"
COMPLETE = "CompleteMultipartUpload"
STORING = (PUT_OBJECT, COMPLETE)  # operations that store an object


class Bucket:
    """A bucket of OSS: its name, region, endpoint, and the origins to which requests can be sent.

    The attribute `held` is a prefix that each request adds to the object key: `incoming/` if the
    server holds uploads until it has checked them, otherwise empty. `callback` is Base64 of the
    JSON that tells OSS which server to call after it has stored an object; empty for no call.

    An origin is `scheme://host[:port]`. Requests go to `origin`, the first of `origins`. If no
    origins are given, the only origin is `scheme://{name}.{host}`, with the endpoint's scheme and
    host. The origin of a custom domain has no bucket name in its host, so it must be given.
    """

    def __init__(
        self,
        name: str,
        region: str,
        endpoint: str,
        *,
        origins: "Sequence[str]" = (),
        held: str = "",
        callback: str = "",
    ) -> None:
        scheme, _, host = endpoint.rstrip("/").partition("://")
        if not host:
            raise ValueError(f"an endpoint is a URL such as https://oss-{region}.aliyuncs.com")
        for origin in origins:
            _check_origin(origin)
        self.name = name
        self.region = region
        self.endpoint = endpoint
        self.held = held
        self.callback = callback
        self.origins = list(origins) or [f"{scheme}://{name}.{host}"]
        self.origin = self.origins[0]
        is_endpoint_itself = self.origin == endpoint
        self.is_custom_domain = is_endpoint_itself or f"://{name}." not in self.origin

    def at(self, origin: str) -> "Bucket":
        """Return this bucket with `origin` as its only origin."""
        return Bucket(
            self.name,
            self.region,
            self.endpoint,
            origins=[origin],
            held=self.held,
            callback=self.callback,
        )


class Request:
    """One signed HTTP request to a bucket: method, URL and headers, without the body.

    If `is_form` is true, the request is sent as an HTML form: `headers` are the form's first
    fields, and the file is the last field. If `has_progress` is false, the page does not observe
    how much of the body is sent.
    """

    def __init__(
        self,
        method: str,
        url: str,
        headers: "list[Header]",
        bucket: Bucket,
        *,
        is_form: bool = False,
        has_progress: bool = True,
    ) -> None:
        self.bucket = bucket
        self.method = method
        self.url = url
        self.headers = headers
        self.is_form = is_form
        self.has_progress = has_progress


class Operation:
    """An unsigned request for one object key, still without credentials, time and host.

    Attributes:
        method: the HTTP method.
        key: the object key.
        query: parameters as `(name, value)`, or `(name, None)` for a name without a value.
        headers: the headers to send, without those of the signature.
        body: a piece (byte range) of a file, text or `None`.
        number: the part number in UploadPart; 1 if `body` is a whole file, 0 in other requests.
        read: a function that takes OSS's reply, and returns the result or raises the error in it.
        name: the name of the OSS operation.
    """

    def __init__(
        self,
        method: str,
        key: str,
        read: "Callable[[Reply], Any]",
        *,
        query: "Sequence[Parameter]" = (),
        headers: "Sequence[Header]" = (),
        body: "Any" = None,
        number: int = 0,
        name: str,
    ) -> None:
        self.method = method
        self.key = key
        self.read = read
        self.query = query
        self.headers = headers
        self.body = body
        self.number = number
        self.name = name


def sign(
    operation: Operation,
    credentials: "Credentials",
    bucket: Bucket,
    *,
    at_s: float,
    traffic_limit: int = 0,
) -> Request:
    """Sign an operation, and return the request to `bucket.origin`.

    The signature covers `/bucket/key` and not the host, so it is valid at each origin of the
    bucket.

    Args:
        at_s: the present time by the server's clock, in seconds since 1970.
        traffic_limit: the speed limit for this request in bits per second; 0 for no limit.
    """
    headers, key = list(operation.headers), bucket.held + operation.key
    if traffic_limit:
        headers.append(("x-oss-traffic-limit", str(traffic_limit)))
    if bucket.callback and operation.name in STORING:
        headers.append(("x-oss-callback", bucket.callback))
    signed = sign_headers(
        credentials,
        operation.method,
        bucket.name,
        key,
        date=iso_basic(at_s),
        region=bucket.region,
        query=operation.query,
        headers=headers,
    )
    url = f"{bucket.origin}/{percent_encode(key, safe='/')}"
    if operation.query:
        url = f"{url}?{canonical_query(operation.query)}"
    return Request(operation.method, url, signed, bucket)


def put_object(key: str, headers: "Sequence[Header]", file: "Any") -> Operation:
    """Return a PutObject operation, which stores a file as an object with these headers.

    Args:
        file: the whole file as a `Piece`.

    Source: OSS API reference, PutObject.
    """
    return Operation("PUT", key, read_stored, headers=headers, body=file, number=1, name=PUT_OBJECT)


def initiate_multipart_upload(key: str, headers: "Sequence[Header]") -> Operation:
    """Return an InitiateMultipartUpload operation; `headers` describe the later object."""
    query = [("uploads", None)]
    return Operation("POST", key, read_upload_id, query=query, headers=headers, name=INITIATE)


def upload_part(key: str, upload_id: str, number: int, piece: "Any") -> Operation:
    """Return an UploadPart operation. OSS replaces an earlier part with the same number.

    Args:
        number: the part number, from 1.
        piece: the bytes of the part, as a `Piece` of the file.
    """
    query = [("partNumber", str(number)), ("uploadId", upload_id)]
    return Operation(
        "PUT", key, read_stored, query=query, body=piece, number=number, name="UploadPart"
    )


def complete_multipart_upload(
    key: str, upload_id: str, etags: "Sequence[tuple[int, str]]", headers: "Sequence[Header]" = ()
) -> Operation:
    """Return a CompleteMultipartUpload operation, whose body is XML that lists all parts.

    Args:
        etags: `(part number, ETag)` of each part, in the order of the numbers.
        headers: further headers, such as `x-oss-forbid-overwrite`.
    """
    parts = [
        f"<Part><PartNumber>{number}</PartNumber><ETag>{_escape(etag)}</ETag></Part>"
        for number, etag in etags
    ]
    return Operation(
        "POST",
        key,
        read_completed,
        query=[("uploadId", upload_id)],
        headers=[("content-type", "application/xml")] + list(headers),
        body=f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>",
        name=COMPLETE,
    )


def abort_multipart_upload(key: str, upload_id: str) -> Operation:
    """Return an AbortMultipartUpload operation, which removes a multipart upload and its parts."""
    query = [("uploadId", upload_id)]
    return Operation("DELETE", key, read_aborted, query=query, name="AbortMultipartUpload")


def list_parts(key: str, upload_id: str, after: int = 0) -> Operation:
    """Return a ListParts operation for up to 1,000 parts whose numbers are above `after`."""
    query: list[Parameter] = [("uploadId", upload_id)]
    if after:
        query.append(("part-number-marker", str(after)))
    return Operation(
        "GET", key, lambda reply: read_parts(reply, after), query=query, name="ListParts"
    )


def _check_origin(origin: str) -> None:
    scheme, _, host = origin.partition("://")
    if scheme not in ("http", "https") or not host or "/" in host or "@" in host or "?" in host:
        raise ValueError("an origin is scheme://host or scheme://host:port")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
