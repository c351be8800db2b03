"""What options may not be together: each rule is a function that answers one sentence, or nothing.

A sentence names the option at fault and what to do about it. The rules read values only; they open
no file and no connection.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ossferry.settings import Settings

__all__ = ["RULES", "is_loopback", "is_public_address"]

Rule: TypeAlias = "Callable[[Settings], Iterator[str]]"

UNPROVEN: frozenset[str] = frozenset({"demo"})
"""Ways of being identified that prove nothing."""

NEEDED = {
    "apikey": ("api_keys_file",),
    "jwt": ("jwt_issuer", "jwt_audience", "jwt_jwks_url"),
    "oidc": ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "public_url"),
    "proxy": ("proxy_secret",),
}
_DNS_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
)


def _identity(settings: "Settings") -> Iterator[str]:
    if settings.auth in UNPROVEN and not settings.allow_mock:
        yield f"OSSFERRY_AUTH={settings.auth} lets anyone in and needs OSSFERRY_ALLOW_MOCK=1"
    for name in NEEDED.get(settings.auth, ()):
        if not getattr(settings, name):
            yield f"OSSFERRY_{name.upper()} is missing: OSSFERRY_AUTH={settings.auth} needs it"
    if settings.login_idle_s > settings.login_max_s:
        yield "OSSFERRY_LOGIN_IDLE_S must not be longer than OSSFERRY_LOGIN_MAX_S"


def _transport(settings: "Settings") -> Iterator[str]:
    if not is_loopback(settings.host) and not (settings.behind_tls or settings.allow_mock):
        yield "OSSFERRY_HOST beyond loopback needs OSSFERRY_BEHIND_TLS=1"
    public = urlsplit(settings.public_url or "https://x")
    if public.scheme != "https" and not is_loopback(public.hostname or ""):
        yield "OSSFERRY_PUBLIC_URL must be https; browsers keep secure cookies for https only"
    if settings.public_url and public.hostname not in settings.allowed_hosts:
        yield "OSSFERRY_ALLOWED_HOSTS must list the host of OSSFERRY_PUBLIC_URL"
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        yield "OSSFERRY_TRUSTED_PROXIES must not trust every address"
    if settings.cors_origins and settings.auth in ("oidc", "proxy", "demo"):
        yield (
            "OSSFERRY_CORS_ORIGINS needs OSSFERRY_AUTH=apikey or jwt:"
            " other ways rest on what a browser sends by itself"
        )


def _endpoints(settings: "Settings") -> Iterator[str]:
    yield from _cloud_address(settings, "OSSFERRY_ENDPOINT", settings.endpoint)
    if settings.sts_endpoint:
        yield from _cloud_address(settings, "OSSFERRY_STS_ENDPOINT", settings.sts_endpoint)
    host = urlsplit(settings.endpoint).hostname or ""
    if _is_address(host) or not _DNS_NAME.fullmatch(host):
        yield "OSSFERRY_ENDPOINT must be a host name: browsers ask BUCKET.host"
    for name in ("jwt_jwks_url", "oidc_issuer"):
        if url := getattr(settings, name):
            yield from _issuer_address(settings, f"OSSFERRY_{name.upper()}", url)


def _cloud_address(settings: "Settings", option: str, url: str) -> Iterator[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    mock = settings.allow_mock and is_loopback(host)
    if parts.scheme != "https" and not mock:
        yield f"{option} must be https; http is for a mock on this machine"
    elif not mock and _DNS_NAME.fullmatch(host) and not host.endswith(settings.endpoint_suffixes):
        yield f"{option} must end in one of OSSFERRY_ENDPOINT_SUFFIXES"


def _issuer_address(settings: "Settings", option: str, url: str) -> Iterator[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if settings.allow_mock and is_loopback(host):
        return
    if parts.scheme != "https" or parts.username is not None:
        yield f"{option} must look like https://host/path"
    elif not _DNS_NAME.fullmatch(host) or "." not in host or host.rsplit(".", 1)[1].isdigit():
        yield f"{option} must be a host name, not an address"


def _sharing(settings: "Settings") -> Iterator[str]:
    if settings.workers > 1 and settings.redis_url is None:
        yield (
            "OSSFERRY_WORKERS above 1 needs OSSFERRY_REDIS_URL:"
            " limits in memory would count in each process alone"
        )
    url = settings.redis_url.get_secret_value() if settings.redis_url else "rediss://x"
    if not url.startswith(("redis://", "rediss://", "unix://")):
        yield "OSSFERRY_REDIS_URL must start with redis://, rediss:// or unix://"


def _separate_secrets(settings: "Settings") -> Iterator[str]:
    given = [
        value.get_secret_value()
        for value in (
            settings.secret,
            settings.proxy_secret,
            settings.metrics_token,
            settings.oidc_client_secret,
        )
        if value is not None
    ]
    if len(set(given)) < len(given):
        yield "OSSFERRY_SECRET must differ from every other secret"


RULES: tuple[Rule, ...] = (_identity, _transport, _endpoints, _sharing, _separate_secrets)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if _is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def is_public_address(text: str) -> bool:
    """Whether an IP address belongs to the public internet; IPv4 inside IPv6 is looked into."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    return address.is_global and not address.is_multicast


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
