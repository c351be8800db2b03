"""The signature of a request: its version, its fields, and the texts from which it is computed.

`oss2` computes the texts and the signature, because it is the vendor's own client. It offers no
public function for the texts, so this module calls private ones; tests compare the results with the
golden vectors of all official SDKs.

Source: OSS API reference, "Include a V4 signature in the Authorization header", "V4 signatures in
presigned URLs", "Include a V1 signature in the Authorization header" and "Add signatures to URLs".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import oss2
from oss2.credentials import Credentials
from oss2.http import Request

from ossferry.errors import BadRequestError
from ossferry.signatures.requests import HttpRequest

__all__ = [
    "Place",
    "SignedRequest",
    "Version",
    "object_of",
    "read_credential",
    "read_signature",
]

V4 = "OSS4-HMAC-SHA256"
V4_QUERY = frozenset({"x-oss-signature"})
V1_QUERY = frozenset({"OSSAccessKeyId", "Expires", "Signature"})

Version: TypeAlias = Literal["V4", "V1"]
Place: TypeAlias = Literal["header", "query"]

_ENDPOINT = re.compile(
    r"(?:(?P<bucket>[a-z0-9][a-z0-9-]{1,61}[a-z0-9])\.)?"
    r"(?:(?:s3\.)?oss-(?P<region>[a-z0-9-]+?)(?:-internal)?|(?P<dual>[a-z]{2}-[a-z0-9-]+)\.oss)"
    r"\.(?:aliyuncs\.com|localhost)"
)
_BELOW_LOCALHOST = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9-]{1,61}[a-z0-9])\.localhost")
_PATH_STYLE = re.compile(r"localhost|[0-9.]+|.*:.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request with a signature of OSS.

    Attributes:
        bucket, key: the object; empty for requests to the service or to a bucket.
        query: decoded parameters without the signature.
        headers: values by lower-case name.
        access_key_id: id of the access key that signed the request.
        provided: the signature in the request.
        date: the value that is signed as the date; in a V1 URL, the number in ``Expires``.
        region: the region in the credential scope; empty for V1.
        endpoint_region: the region in the host name; empty if the host name has none.
        day: the day in the credential scope; empty for V1.
        additional: names of additional signed headers in lower case, sorted.
    """

    version: Version
    place: Place
    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    access_key_id: str
    provided: str
    date: str
    region: str = ""
    endpoint_region: str = ""
    day: str = ""
    additional: tuple[str, ...] = ()

    def canonical_request(self) -> str:
        """Return the canonical request; empty for V1, which has none."""
        if self.version == "V1":
            return ""
        return _call("V4", "get_canonical_request", *self._parts(), list(self.additional))

    def string_to_sign(self) -> str:
        """Return the string to sign."""
        request, bucket, key = self._parts()
        if self.version == "V1":
            return _call("", "get_string_to_sign", request, bucket, key)
        return _call("V4", "get_string_to_sign", request, self.canonical_request(), self.date)

    def signature(self, secret: str) -> str:
        """Return the signature that a client with this access key secret computes."""
        key = Credentials(self.access_key_id, secret)
        if self.version == "V1":
            return _call("", "make_signature", *self._parts(), key)
        return _call("V4", "make_signature", *self._parts(), list(self.additional), key, self.date)

    def signed_headers(self) -> list[str]:
        """Return the lower-case names of the headers that the signature covers, sorted."""
        named = ("content-type", "content-md5", *self.additional)
        return sorted(name for name in self.headers if name.startswith("x-oss-") or name in named)

    def _parts(self) -> tuple[Request, str, str]:
        headers = {name: self.headers[name] for name in self.signed_headers()}
        if self.version == "V1" and "x-oss-date" not in headers:
            headers["date"] = self.date
        request = Request(
            self.method,
            "",
            params=dict(self.query),
            headers=headers,
            region=self.region,
            product="oss",
        )
        return request, self.bucket, self.key


def _call(version: str, name: str, *arguments: Any) -> str:
    """Call a private method of the signer of `oss2` for a version, and return its result."""
    signer = f"ProviderAuth{version}"
    return str(getattr(getattr(oss2, signer)(None), f"_{signer}__{name}")(*arguments))


def read_signature(request: HttpRequest, *, bucket: str = "") -> SignedRequest:
    """Return a request with the fields of its signature.

    Args:
        bucket: name of the bucket, if the request is sent to a custom domain.

    Raises:
        BadRequestError: the request has no signature of OSS, or a malformed one, or its host does
            not name the bucket.
    """
    query, header = dict(request.query), request.headers.get("authorization", "")
    if header.startswith(V4):
        fields = _fields(header[len(V4) :])
        date = request.headers.get("x-oss-date") or request.headers.get("date", "")
        return _v4(request, "header", bucket, query, fields, date=date)
    if header.startswith("OSS "):
        return _v1_header(request, bucket, query, header)
    if query.get("x-oss-signature-version") == V4:
        fields = {
            "Credential": query.get("x-oss-credential", ""),
            "Signature": query.get("x-oss-signature", ""),
            "AdditionalHeaders": query.get("x-oss-additional-headers", ""),
        }
        return _v4(request, "query", bucket, query, fields, date=query.get("x-oss-date", ""))
    if V1_QUERY & query.keys():
        return _v1_query(request, bucket, query)
    raise BadRequestError(
        "the request has no signature of OSS: neither a header Authorization with"
        f" {V4} or `OSS`, nor x-oss-signature or Signature in its address."
        " Copy the request that OSS refused, not the preflight (OPTIONS) before it; the signature"
        " of a form is in its body, so copy the body too."
    )


def read_credential(text: str) -> tuple[str, str, str]:
    """Return the access key id, the day and the region in a credential of V4.

    Raises:
        BadRequestError: the credential is malformed.
    """
    parts = text.rsplit("/", 4)
    if len(parts) != 5:
        raise BadRequestError(
            "the signature is malformed: its credential must be"
            " AccessKeyId/date/region/oss/aliyun_v4_request."
        )
    return parts[0], parts[1], parts[2]


def _v4(
    request: HttpRequest,
    place: Place,
    bucket: str,
    query: dict[str, str],
    fields: Mapping[str, str],
    *,
    date: str,
) -> SignedRequest:
    access_key_id, day, signed_region = read_credential(fields.get("Credential", ""))
    if not fields.get("Signature"):
        raise BadRequestError("the signature is malformed: it needs Signature.")
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", date):
        raise BadRequestError("x-oss-date is missing or not like 20260314T092653Z.")
    names = {name.strip().lower() for name in fields.get("AdditionalHeaders", "").split(";")}
    always = ("content-type", "content-md5", "")
    bucket, key, region = object_of(request, bucket)
    return SignedRequest(
        version="V4",
        place=place,
        method=request.method,
        bucket=bucket,
        key=key,
        query={name: value for name, value in query.items() if name not in V4_QUERY},
        headers=request.headers,
        access_key_id=access_key_id,
        provided=fields["Signature"],
        date=date,
        day=day,
        region=signed_region,
        endpoint_region=region,
        additional=tuple(sorted(n for n in names if n not in always and n[:6] != "x-oss-")),
    )


def _v1_header(
    request: HttpRequest, bucket: str, query: dict[str, str], header: str
) -> SignedRequest:
    access_key_id, _, provided = header.removeprefix("OSS ").strip().partition(":")
    if not provided:
        raise BadRequestError("the signature is malformed: it needs `OSS AccessKeyId:Signature`.")
    date = request.headers.get("x-oss-date") or request.headers.get("date", "")
    return _v1(request, "header", bucket, query, access_key_id, provided, date)


def _v1_query(request: HttpRequest, bucket: str, query: dict[str, str]) -> SignedRequest:
    missing = sorted(V1_QUERY - query.keys())
    if missing:
        raise BadRequestError(f"the signature is incomplete: {', '.join(missing)} is missing.")
    values = [query[name] for name in ("OSSAccessKeyId", "Signature", "Expires")]
    rest = {name: value for name, value in query.items() if name not in V1_QUERY}
    return _v1(request, "query", bucket, rest, *values)


def _v1(
    request: HttpRequest,
    place: Place,
    bucket: str,
    query: dict[str, str],
    access_key_id: str,
    provided: str,
    date: str,
) -> SignedRequest:
    bucket, key, region = object_of(request, bucket)
    return SignedRequest(
        version="V1",
        place=place,
        method=request.method,
        bucket=bucket,
        key=key,
        query=query,
        headers=request.headers,
        access_key_id=access_key_id,
        provided=provided,
        date=date,
        endpoint_region=region,
    )


def _fields(text: str) -> dict[str, str]:
    """Return the fields of a V4 Authorization header, which may have any order."""
    pairs = (item.strip().partition("=") for item in text.split(","))
    return {name: value.strip() for name, _, value in pairs}


def object_of(request: HttpRequest, bucket: str) -> tuple[str, str, str]:
    """Return the bucket, the key, and the region of the endpoint (or empty text) of a request.

    Raises:
        BadRequestError: the host is a custom domain, and no bucket is given.
    """
    key = request.path.removeprefix("/")
    endpoint = _ENDPOINT.fullmatch(request.host)
    if endpoint:
        region = endpoint["dual"] or endpoint["region"]
        region = "" if region.startswith("accelerate") else region
        if endpoint["bucket"] or not key:
            return endpoint["bucket"] or "", key, region
        first, _, rest = key.partition("/")
        return first, rest, region
    below = _BELOW_LOCALHOST.fullmatch(request.host)
    if below and not bucket:
        return below["bucket"], key, ""
    if _PATH_STYLE.fullmatch(request.host):
        first, _, rest = key.partition("/")
        return first, rest, ""
    if not bucket:
        raise BadRequestError(
            f"{request.host} does not name the bucket; give --bucket, the bucket to which the"
            " custom domain is bound."
        )
    return bucket, key, ""
