"""Addressing: finds the bucket and object key in the Host header and path of a request.

The mock supports virtual-hosted style (`bucket.localhost`,
`bucket.oss-cn-hangzhou.aliyuncs.com`), custom domains (CNAME), and path style for IP addresses
and host names without a dot. The mock and OSS refuse path style on endpoints such as
`oss-cn-hangzhou.aliyuncs.com`. In the host name of an endpoint, `localhost` may replace
`aliyuncs.com`.
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from mock_oss.errors import RefusedError, invalid_argument

VENDOR_DOMAIN = "aliyuncs.com"
_ENDPOINT = re.compile(  # the host name without the vendor's domain, or without the mock's domain
    r"(?:(?P<bucket>[^.]+)\.)?"
    r"(?:oss-(?P<region>[a-z0-9-]+?)(?P<internal>-internal)?|(?P<dual>[a-z]{2}-[a-z0-9-]+)\.oss)"
)
_STS_OR_RAM = re.compile(r"ram|sts(?:-vpc)?(?:\.[a-z0-9-]+)?")
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]")
_MAX_KEY_BYTES = 1023
_DOMAIN = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
)
_RESERVED = ("aliyuncs.com", "aliyun.com", "aliyun-inc.com", "taobaocdn.com", "taobao.com")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_BEYOND_THE_MAINLAND = ("cn-hongkong",)


class Target(NamedTuple):
    """The bucket and key that a request addresses.

    `key` is empty for a request to a bucket. `bucket` and `key` are empty for a request to the
    service, such as ListBuckets. `style` tells how the request contains the bucket:
    `virtual-hosted`, `path` or `cname` (custom domain). Without a bucket, it is `service`, `sts`
    for an STS request, or `unbound` for a domain that is not bound to a bucket. `region` is the
    region in the host name, or empty. `is_public` is true for a public endpoint. `is_public` is
    false for an internal endpoint, a custom domain or an IP address.
    """

    bucket: str
    key: str
    style: str
    region: str = ""
    is_public: bool = False


def locate(
    host: str,
    raw_path: bytes,
    *,
    cnames: Mapping[str, str],
    domains: tuple[str, ...],
    hosts: Collection[str] = (),
) -> Target:
    """Return the bucket and key that a request addresses.

    For a domain that is not bound to a bucket, no error is raised, but the `style` of the result is
    `unbound`.

    Args:
        host: the Host header, including the port; may be empty.
        raw_path: the percent-encoded path of the request.
        cnames: a mapping from custom domain to bucket name.
        domains: the domains for virtual-hosted style, `BUCKET.DOMAIN`.
        hosts: additional host names of the mock; requests to these hosts use path style.

    Raises:
        RefusedError: InvalidObjectName if the path is not UTF-8, SecondLevelDomainForbidden if a
            request to a region's endpoint, such as `oss-cn-hangzhou.aliyuncs.com`, uses path style.
    """
    name = host_name(host)
    path = raw_path[1:] if raw_path[:1] == b"/" else raw_path
    bound = cnames.get(name)
    if bound is not None:
        return Target(bound, _decode_key(path), "cname")
    for domain in (*domains, VENDOR_DOMAIN):
        if name.endswith("." + domain):
            address = _named(name[: -len(domain) - 1], path, is_vendor=domain == VENDOR_DOMAIN)
            if address is not None:
                return address
    if not (_is_own(name) or name in hosts):
        return Target("", "", "unbound")
    if not path:
        return Target("", "", "service")
    decoded = _decode_key(path)
    bucket, _, key = decoded.partition("/")
    return Target(bucket, key, "path")


def _named(label: str, path: bytes, *, is_vendor: bool) -> Target | None:
    """Return the target of a request whose host name has the form `LABEL.DOMAIN`.

    Args:
        label: the host name without the domain: `ENDPOINT`, `BUCKET.ENDPOINT` or `BUCKET`.
        path: the path without the first slash.
        is_vendor: whether the domain is the vendor's domain, which requires an endpoint.

    Returns:
        The target, or None if the required endpoint is missing.

    Raises:
        RefusedError: InvalidObjectName if the path is not UTF-8, SecondLevelDomainForbidden if the
            host name contains no bucket and the path is not empty.
    """
    match = _ENDPOINT.fullmatch(label)
    if match is None:
        return None if is_vendor else Target(label, _decode_key(path), "virtual-hosted", "", True)
    region = match["dual"] or match["region"]
    region = "" if region.startswith("accelerate") else region
    is_public = not match["internal"]
    if match["bucket"]:
        return Target(match["bucket"], _decode_key(path), "virtual-hosted", region, is_public)
    if path:
        raise RefusedError("SecondLevelDomainForbidden")
    return Target("", "", "service", region, is_public)


def _is_own(name: str) -> bool:
    """Return whether a host name cannot be a custom domain.

    Host names without a dot, IP addresses, and names below the vendor's domain cannot be custom
    domains.
    """
    return (
        "." not in name
        or ":" in name
        or _IPV4.fullmatch(name) is not None
        or (name.endswith("." + VENDOR_DOMAIN))
    )


def check_host(target: Target) -> None:
    """Raise RefusedError if the host of a request is a domain that is not bound to a bucket.

    The error code is NonStandardHostForbidden. It is not verified that OSS uses this code for an
    unbound domain. Source: vendor page about status 403.
    """
    if target.style == "unbound":
        raise RefusedError("NonStandardHostForbidden", why={"kind": "endpoint"})


def check_public_endpoint(target: Target, region: str) -> None:
    """Raise RefusedError if a request uses the public endpoint of a bucket in mainland China.

    The code is PublicEndpointForbidden. OSS refuses these requests for accounts opened since
    2025-03-20. The code, status, EC and message of the error come from recorded responses of OSS.
    The mock treats an endpoint of transfer acceleration as a public endpoint. It is not verified
    that OSS does the same.

    Args:
        target: the addressed bucket, with the type of the endpoint.
        region: the bucket's region.
    """
    if target.is_public and region.startswith("cn-") and region not in _BEYOND_THE_MAINLAND:
        raise RefusedError("PublicEndpointForbidden", why={"kind": "endpoint", "bucket": region})


@lru_cache(maxsize=256)
def host_name(host: str) -> str:
    """Return the host name in a Host or Origin header, in lower case, without port and brackets."""
    name = host.partition("://")[2] or host
    inside, bracket, _ = name.partition("]")
    name = inside[1:] if bracket and inside[:1] == "[" else name.partition(":")[0]
    return name.lower().rstrip(".")


def is_loopback(name: str) -> bool:
    """Return whether a host name or an IP address means the local machine."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def is_served(name: str) -> bool:
    """Return whether the vendor serves OSS, a bucket, STS or RAM at a host name.

    An example is `oss-cn-hangzhou.aliyuncs.com`. Custom domains are not considered.
    """
    label = name.removesuffix("." + VENDOR_DOMAIN)
    return label != name and any(pattern.fullmatch(label) for pattern in (_ENDPOINT, _STS_OR_RAM))


def _decode_key(path: bytes) -> str:
    """Percent-decode an object key once; dot segments and double slashes stay unchanged.

    Raises:
        RefusedError: InvalidObjectName if the decoded key is not UTF-8.
    """
    raw = unquote_to_bytes(path) if b"%" in path else path
    try:
        return raw.decode()
    except UnicodeDecodeError as e:
        raise RefusedError("InvalidObjectName", why={"key": f"not UTF-8: {e.reason}"}) from e


def check_bucket_name(name: str) -> None:
    """Raise RefusedError with the code InvalidBucketName if a bucket name is not valid.

    A bucket name has 3 to 63 characters: `a-z`, `0-9` and `-`, but no `-` at the start or the end.
    """
    if not _BUCKET.fullmatch(name):
        raise RefusedError("InvalidBucketName", BucketName=name)


def check_domain(domain: str) -> None:
    """Raise RefusedError if a name is not allowed as a custom domain.

    The code is InvalidArgument for a name that is too short or malformed, and CnameIsForbidden for
    a domain of the vendor, such as `aliyuncs.com`, and its subdomains.
    """
    if len(domain) <= 3:
        message = "Entire hostname must be longer than 3 ASCII characters."
        raise RefusedError("InvalidArgument", message, ec="0017-00000249")
    if not _DOMAIN.fullmatch(domain) or _IPV4.fullmatch(domain):
        raise invalid_argument("Domain", domain)
    if any(f".{domain}".endswith("." + reserved) for reserved in _RESERVED):
        raise RefusedError("CnameIsForbidden")


def check_endpoint(target: Target, region: str) -> None:
    """Raise RefusedError if the region of the endpoint differs from the region of the bucket.

    The code is AccessDenied. A host name without a region is accepted.

    Args:
        target: the addressed bucket, with the region in the host name.
        region: the bucket's region.
    """
    if not target.region or target.region == region:
        return
    raise RefusedError(
        "AccessDenied",
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint.",
        ec="0003-00001403",
        Bucket=target.bucket,
        Endpoint=f"oss-{region}.aliyuncs.com",
        why={"kind": "region", "bucket": region, "addressed": target.region},
    )


def check_key(key: str) -> None:
    """Raise RefusedError with the code InvalidObjectName if an object key is not valid.

    A key has 1 to 1023 bytes and does not start with a slash or a backslash. Control characters are
    allowed, except NUL, which neither XML nor a path can contain.
    """
    if not 1 <= len(key.encode()) <= _MAX_KEY_BYTES or "\0" in key:
        raise RefusedError("InvalidObjectName", ObjectName=key)
    if key[0] in "/\\":
        raise RefusedError("InvalidObjectName", ObjectName=key, ec="0016-00000005")
