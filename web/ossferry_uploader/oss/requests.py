"""Builds signed requests to OSS: method, URL and headers."""

from ossferry_uploader.oss.encoding import percent_encode
from ossferry_uploader.oss.signing import Credentials, canonical_query, sign_headers
from ossferry_uploader.oss.times import iso_basic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ossferry_uploader.oss.signing import Header, Parameter

__all__ = [
    "Bucket",
    "Request",
    "abort_multipart_upload",
    "complete_body",
    "complete_multipart_upload",
    "initiate_multipart_upload",
    "list_parts",
    "put_object",
    "upload_part",
]


class Bucket:
    """A bucket: name, region, endpoint and origins.

    An origin is `scheme://host[:port]`. Requests go to `origin`, the first of `origins`. The host
    of the default origin is `{name}.{host of the endpoint}`. An origin or the endpoint may also be
    a custom domain.
    """

    def __init__(
        self, name: str, region: str, endpoint: str, *, origins: "Sequence[str]" = ()
    ) -> None:
        scheme, _, host = endpoint.rstrip("/").partition("://")
        if not host:
            raise ValueError(f"an endpoint is a URL such as https://oss-{region}.aliyuncs.com")
        for origin in origins:
            _check_origin(origin)
        self.name = name
        self.region = region
        self.endpoint = endpoint
        self.origins = list(origins) or [f"{scheme}://{name}.{host}"]
        self.origin = self.origins[0]
        is_endpoint_itself = self.origin == endpoint
        self.is_custom_domain = is_endpoint_itself or f"://{name}." not in self.origin

    def at(self, origin: str) -> "Bucket":
        """Return the same bucket with `origin` as its only origin."""
        return Bucket(self.name, self.region, self.endpoint, origins=[origin])


class Request:
    """One HTTP request to a bucket, without the body of the request.

    If `is_form` is true, the body of the request is a form. Its fields are `headers` and, as the
    last field, the file. If `has_progress` is false, the page does not ask for the progress of the
    request.
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


def signed_request(
    credentials: Credentials,
    bucket: Bucket,
    method: str,
    key: str,
    *,
    at_s: float,
    query: "Sequence[Parameter]" = (),
    headers: "Sequence[Header]" = (),
) -> Request:
    """Return a signed request to `bucket.origin`.

    The signature covers `/bucket/key`, and does not depend on the host.

    Args:
        at_s: the present time by the server's clock, in seconds since 1970.
        query: parameters as `(name, value)`, or `(name, None)` for a name without a value.
        headers: headers to send. The headers of the signature are added.
    """
    signed = sign_headers(
        credentials,
        method,
        bucket.name,
        key,
        date=iso_basic(at_s),
        region=bucket.region,
        query=query,
        headers=headers,
    )
    url = f"{bucket.origin}/{percent_encode(key, safe='/')}"
    if query:
        url = f"{url}?{canonical_query(query)}"
    return Request(method, url, signed, bucket)


def put_object(
    credentials: Credentials,
    bucket: Bucket,
    key: str,
    *,
    at_s: float,
    headers: "Sequence[Header]",
    traffic_limit: int = 0,
) -> Request:
    """Return a signed PutObject request; OSS stores `headers` with the object.

    Args:
        at_s: the present time by the server's clock, in seconds since 1970.
        traffic_limit: speed limit for this request in bits per second; 0 for no limit.

    Source: OSS API reference, PutObject.
    """
    sent = list(headers) + _traffic_headers(traffic_limit)
    return signed_request(credentials, bucket, "PUT", key, at_s=at_s, headers=sent)


def initiate_multipart_upload(
    credentials: Credentials, bucket: Bucket, key: str, *, at_s: float, headers: "Sequence[Header]"
) -> Request:
    """Return a signed InitiateMultipartUpload request; OSS stores `headers` with the object."""
    query = [("uploads", None)]
    return signed_request(credentials, bucket, "POST", key, at_s=at_s, query=query, headers=headers)


def upload_part(
    credentials: Credentials,
    bucket: Bucket,
    key: str,
    *,
    at_s: float,
    upload_id: str,
    number: int,
    traffic_limit: int = 0,
) -> Request:
    """Return a signed UploadPart request.

    OSS replaces an earlier part with the same number.

    Args:
        at_s: the present time by the server's clock, in seconds since 1970.
        traffic_limit: speed limit for this request in bits per second; 0 for no limit.
    """
    query = [("partNumber", str(number)), ("uploadId", upload_id)]
    headers = _traffic_headers(traffic_limit)
    return signed_request(credentials, bucket, "PUT", key, at_s=at_s, query=query, headers=headers)


def complete_multipart_upload(
    credentials: Credentials,
    bucket: Bucket,
    key: str,
    *,
    at_s: float,
    upload_id: str,
    headers: "Sequence[Header]" = (),
) -> Request:
    """Return a signed CompleteMultipartUpload request; `complete_body` returns its body."""
    return signed_request(
        credentials,
        bucket,
        "POST",
        key,
        at_s=at_s,
        query=[("uploadId", upload_id)],
        headers=[("content-type", "application/xml")] + list(headers),
    )


def complete_body(etags: "Sequence[tuple[int, str]]") -> str:
    """Return the body of a CompleteMultipartUpload request: XML that lists all parts.

    Args:
        etags: `(number, ETag)` of each part, in order of the numbers.
    """
    parts = [
        f"<Part><PartNumber>{number}</PartNumber><ETag>{_escape(etag)}</ETag></Part>"
        for number, etag in etags
    ]
    return f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>"


def abort_multipart_upload(
    credentials: Credentials, bucket: Bucket, key: str, *, at_s: float, upload_id: str
) -> Request:
    """Return a signed AbortMultipartUpload request, which removes an upload and its parts."""
    return signed_request(
        credentials, bucket, "DELETE", key, at_s=at_s, query=[("uploadId", upload_id)]
    )


def list_parts(
    credentials: Credentials,
    bucket: Bucket,
    key: str,
    *,
    at_s: float,
    upload_id: str,
    after: int = 0,
) -> Request:
    """Return a signed ListParts request.

    The reply has up to 1,000 parts with numbers above `after`.
    """
    query: list[Parameter] = [("uploadId", upload_id)]
    if after:
        query.append(("part-number-marker", str(after)))
    return signed_request(credentials, bucket, "GET", key, at_s=at_s, query=query)


def _check_origin(origin: str) -> None:
    scheme, _, host = origin.partition("://")
    if scheme not in ("http", "https") or not host or "/" in host or "@" in host or "?" in host:
        raise ValueError("an origin is scheme://host or scheme://host:port")


def _traffic_headers(traffic_limit: int) -> "list[Header]":
    return [("x-oss-traffic-limit", str(traffic_limit))] if traffic_limit else []


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
