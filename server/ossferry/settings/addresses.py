"""Functions for addresses: host names in URLs, and checks of host names."""

import ipaddress
import re
from urllib.parse import urlsplit

SUFFIX = ".aliyuncs.com"
"""The end of the host names of all endpoints of Alibaba Cloud."""

_MOCK_HOST = re.compile(r"localhost|(?:oss-[a-z0-9-]+|[a-z]{2}-[a-z0-9-]+\.oss)\.localhost")


def with_bucket(address: str, bucket: str) -> str:
    """Return the URL of a bucket in virtual-hosted style: `scheme://BUCKET.host[:port]`.

    Args:
        address: URL of an OSS endpoint; its path is dropped.
    """
    parts = urlsplit(address)
    return f"{parts.scheme}://{bucket}.{parts.netloc}"


def host_of(url: str) -> str:
    """Return the host name of a URL in lower case; empty if the URL has no host name."""
    return urlsplit(url).hostname or ""


def is_mock_endpoint(host: str, bucket: str) -> bool:
    """Return whether a host name is an endpoint of a mock OSS, such as `oss-cn-hangzhou.localhost`.

    Args:
        bucket: name of the bucket; the host name may also be `BUCKET.ENDPOINT`.
    """
    return _MOCK_HOST.fullmatch(host.removeprefix(f"{bucket}.")) is not None


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback IP address, `localhost`, or a name below `localhost`."""
    if is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def is_address(host: str) -> bool:
    """Return whether a host is an IP address and not a host name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
