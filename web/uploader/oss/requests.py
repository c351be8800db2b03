"""Requests as values: method, URL and headers, signed and ready to send."""

from uploader.oss.encoding import percent_encode
from uploader.oss.signing import Credentials, canonical_query, sign_headers
from uploader.oss.times import iso_basic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uploader.oss.signing import Header, Parameter

__all__ = ["Bucket", "Request", "put_object", "signed_request"]

DEFAULT_CONTENT_TYPE = "application/octet-stream"


class Bucket:
    """Where objects go: the bucket, its region, and the origin that requests are sent to."""

    def __init__(self, name: str, region: str, endpoint: str) -> None:
        scheme, _, host = endpoint.rstrip("/").partition("://")
        if not host:
            raise ValueError(f"an endpoint is a URL such as https://oss-{region}.aliyuncs.com")
        self.name = name
        self.region = region
        self.origin = f"{scheme}://{name}.{host}"


class Request:
    """One HTTP request without its body."""

    def __init__(self, method: str, url: str, headers: "list[Header]") -> None:
        self.method = method
        self.url = url
        self.headers = headers


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
    """Sign a request to `bucket` in virtual-hosted style; `at_s` is now by the server's clock."""
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
    return Request(method, f"{url}?{canonical_query(query)}" if query else url, signed)


def put_object(
    credentials: Credentials,
    bucket: Bucket,
    key: str,
    *,
    at_s: float,
    content_type: str,
    name: str,
) -> Request:
    """Sign a PutObject. The key is random, so sending again after a lost answer is harmless.

    Args:
        content_type: sent and signed; `application/octet-stream` if empty.
        name: the file's own name, kept percent-encoded in `x-oss-meta-name`.

    Source: OSS API reference, PutObject.
    """
    headers = [
        ("content-type", content_type or DEFAULT_CONTENT_TYPE),
        ("x-oss-meta-name", percent_encode(name)),
    ]
    return signed_request(credentials, bucket, "PUT", key, at_s=at_s, headers=headers)
