"""Addresses of the bucket, derived from the options, and checks of host names."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

SUFFIX = ".aliyuncs.com"
"""The end of the host names of all endpoints of Alibaba Cloud."""

_MOCK_HOST = re.compile(r"localhost|(?:oss-[a-z0-9-]+|[a-z]{2}-[a-z0-9-]+\.oss)\.localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Derives the addresses of the bucket from the options.

    Each field holds the value of the option with the same name. Every address has the form
    `scheme://host[:port]`.
    """

    bucket: str
    endpoint: str
    cname: bool
    upload_hosts: tuple[str, ...]
    link_origin: str | None
    allow_mock: bool

    @property
    def bucket_origin(self) -> str:
        """The address of the bucket at the configured endpoint."""
        return self.endpoint if self.cname else _with_bucket(self.endpoint, self.bucket)

    @property
    def upload_origins(self) -> tuple[str, ...]:
        """All addresses to which browsers may upload, in order of preference."""
        hosts = tuple(self._origin_of(each) for each in self.upload_hosts)
        return hosts if self.bucket_origin in hosts else (self.bucket_origin, *hosts)

    def _origin_of(self, host: str) -> str:
        """Return the address of an upload host.

        If the host is an endpoint, the host name in the address begins with the bucket's name.
        """
        if not self.is_endpoint(host) or host_of(host).startswith(f"{self.bucket}."):
            return host
        return _with_bucket(host, self.bucket)

    def is_endpoint(self, address: str) -> bool:
        """Return whether an address is an endpoint of Alibaba Cloud or of the mock.

        Custom domains are not endpoints.
        """
        name = host_of(address)
        return name.endswith(SUFFIX) or (self.allow_mock and is_mock_endpoint(name, self.bucket))

    @property
    def form_address(self) -> str:
        """The address to which browsers send forms.

        A custom domain is preferred, because OSS endpoints do not accept forms for every account.
        Unlike the page, a form cannot try a second address after a failure.
        """
        custom = (each for each in self.upload_origins if not self.is_endpoint(each))
        return next(custom, self.upload_origins[0])

    @property
    def links_address(self) -> str:
        """The address of the bucket in share links and previews."""
        if self.link_origin:
            return self.link_origin
        custom = [self.endpoint] if self.cname else []
        custom += [each for each in self.upload_hosts if not self.is_endpoint(each)]
        return next(iter(custom), self.bucket_origin)


def _with_bucket(address: str, bucket: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{bucket}.{parts.netloc}"


def host_of(url: str) -> str:
    """Return the host name of a URL in lower case; empty if the URL has no host name."""
    return urlsplit(url).hostname or ""


def is_mock_endpoint(host: str, bucket: str) -> bool:
    """Return whether a host name is a mock's endpoint, with or without the bucket's name."""
    return _MOCK_HOST.fullmatch(host.removeprefix(f"{bucket}.")) is not None


def is_loopback(host: str) -> bool:
    """Return whether a host name or an IP address refers to this machine."""
    if is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
