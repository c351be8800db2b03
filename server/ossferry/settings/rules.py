"""What options may not be together: each rule is a function that answers one sentence, or nothing.

A sentence names the option at fault and what to do about it. The rules read values only; they open
no file and no connection.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, urlsplit

from ossferry.settings.types import HOST_NAME, bare

if TYPE_CHECKING:
    from ossferry.settings.model import Settings

__all__ = ["DEMO_SECRET", "MOCK_KEYS", "RULES", "is_loopback", "is_mock_endpoint"]

Rule: TypeAlias = "Callable[[Settings], Iterator[str]]"

UNPROVEN: frozenset[str] = frozenset({"demo"})
"""Ways of being identified that prove nothing."""

MOCK_KEYS = ("LTAI5tMock", "STS.NMockOss")
"""What the ids of all keys begin with that the mock has."""

NEEDED = {
    "apikey": ("api_keys_file",),
    "jwt": ("jwt_issuer", "jwt_audience", "jwt_jwks_url"),
    "oidc": ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "public_url"),
    "proxy": ("proxy_secret",),
}
DEMO_SECRET = "the demo's prefixes stay the same from run to run"  # noqa: S105 - guards a mock only
V4_IN_V6 = ipaddress.IPv6Network("::ffff:0:0/96")
_REGIONAL_HOST = re.compile(
    r"(?:oss-([a-z]{2}-[a-z0-9-]+)|([a-z]{2}-[a-z0-9-]+)\.oss)\.aliyuncs\.com"
)
_MOCK_HOST = re.compile(r"localhost|(?:oss-[a-z0-9-]+|[a-z]{2}-[a-z0-9-]+\.oss)\.localhost")
_VENDOR_LIKE = re.compile(r"(?:^|\.)(?:aliyun|alibabacloud)[a-z0-9-]*\.")
_PLAIN_URL = re.compile(r"[!-\[\]-~]+")
"""Without spaces, control characters and backslashes, of which programs make different hosts."""


def _identity(settings: "Settings") -> Iterator[str]:
    if settings.auth in UNPROVEN and not settings.allow_mock:
        yield f"OSSFERRY_AUTH={settings.auth} lets anyone in and needs OSSFERRY_ALLOW_MOCK=1"
    for name in NEEDED.get(settings.auth, ()):
        if not getattr(settings, name):
            yield f"OSSFERRY_{name.upper()} is missing: OSSFERRY_AUTH={settings.auth} needs it"
    if settings.login_idle_s > settings.login_max_s:
        yield "OSSFERRY_LOGIN_IDLE_S must not be longer than OSSFERRY_LOGIN_MAX_S"


def _transport(settings: "Settings") -> Iterator[str]:
    playing = settings.allow_mock and settings.auth in UNPROVEN  # with a mock, see `_all_a_mock`
    if not (is_loopback(settings.host) or settings.behind_tls or playing):
        yield "OSSFERRY_HOST beyond loopback needs OSSFERRY_BEHIND_TLS=1"
    public = urlsplit(settings.public_url or "https://x")
    if public.scheme != "https" and not is_loopback(public.hostname or ""):
        yield "OSSFERRY_PUBLIC_URL must be https; browsers keep secure cookies for https only"
    if settings.public_url and public.hostname not in settings.allowed_hosts:
        yield "OSSFERRY_ALLOWED_HOSTS must list the host of OSSFERRY_PUBLIC_URL"
    if _too_wide(settings.trusted_proxies):
        yield (
            "OSSFERRY_TRUSTED_PROXIES must name the proxies' own networks: whoever is in one may"
            " say who they are; none may be wider than 10.0.0.0/8 or fc00::/7"
        )
    if any(_is_plain(origin) for origin in settings.frame_origins):
        yield "OSSFERRY_FRAME_ORIGINS must be https: who is on the way could put anything around it"
    if any(_is_plain(origin) for origin in settings.cors_origins):
        yield "OSSFERRY_CORS_ORIGINS must be https: who is on the way could ask in their name"
    if settings.cors_origins and settings.auth in ("oidc", "proxy", "demo"):
        yield (
            "OSSFERRY_CORS_ORIGINS needs OSSFERRY_AUTH=apikey or jwt:"
            " other ways rest on what a browser sends by itself"
        )


def _is_plain(origin: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme != "https" and not is_loopback(parts.hostname or "")


def _too_wide(networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    """Whether networks, or neighbours among them together, hold much of the internet."""
    v4 = [each for each in networks if isinstance(each, ipaddress.IPv4Network)]
    v6 = [each for each in networks if isinstance(each, ipaddress.IPv6Network)]
    return (
        any(each.prefixlen < 8 for each in ipaddress.collapse_addresses(v4))
        or any(each.prefixlen < 7 for each in ipaddress.collapse_addresses(v6))
        or any(each.overlaps(V4_IN_V6) and each.prefixlen < 96 + 8 for each in v6)
    )


def _endpoints(settings: "Settings") -> Iterator[str]:
    host = urlsplit(settings.endpoint).hostname or ""
    if _is_address(host) or not HOST_NAME.fullmatch(host):
        yield "OSSFERRY_ENDPOINT must be a host name: browsers ask BUCKET.host"
    if settings.cname:
        if settings.is_endpoint(settings.endpoint):
            yield (
                "OSSFERRY_CNAME=1 needs a custom domain as OSSFERRY_ENDPOINT, not an endpoint of"
                " Alibaba Cloud; take it away, or name the domain that is bound to the bucket"
            )
        yield from _custom_domain(settings, "OSSFERRY_ENDPOINT", settings.endpoint)
    else:
        yield from _cloud_address(
            settings,
            "OSSFERRY_ENDPOINT",
            settings.endpoint,
            otherwise="; for a custom domain of the bucket set OSSFERRY_CNAME=1",
        )
        if is_loopback(host) and not settings.is_endpoint(settings.endpoint):
            yield (
                f"OSSFERRY_ENDPOINT has {host}, which is no endpoint of a mock;"
                " for a custom domain of the bucket set OSSFERRY_CNAME=1"
            )
    yield from _upload_hosts(settings)
    yield from _cloud_address(settings, "OSSFERRY_RAM_ENDPOINT", settings.ram_endpoint)
    if settings.sts_endpoint:
        yield from _cloud_address(settings, "OSSFERRY_STS_ENDPOINT", settings.sts_endpoint)
    if settings.objects_endpoint:
        yield from _cloud_address(settings, "OSSFERRY_OBJECTS_ENDPOINT", settings.objects_endpoint)
    yield from _region(settings)
    for name in ("jwt_jwks_url", "oidc_issuer"):
        if url := getattr(settings, name):
            yield from _issuer_address(settings, f"OSSFERRY_{name.upper()}", url)


def _region(settings: "Settings") -> Iterator[str]:
    """Bucket, region and endpoint are easily copied from the console with a part too many."""
    if settings.region.startswith("oss-"):
        yield f"OSSFERRY_REGION must be without oss-: {settings.region.removeprefix('oss-')}"
    for option, url in (
        ("OSSFERRY_ENDPOINT", settings.endpoint),
        ("OSSFERRY_OBJECTS_ENDPOINT", settings.objects_address),
    ):
        host = urlsplit(url).hostname or ""
        if host.startswith(f"{settings.bucket}.") and settings.is_endpoint(url):
            yield f"{option} must be without the bucket: browsers ask BUCKET.host"
        regional = _REGIONAL_HOST.fullmatch(host)
        if regional and not (regional[1] or regional[2]).startswith(settings.region):
            yield f"{option} is of another region than OSSFERRY_REGION"


def _all_a_mock(settings: "Settings") -> Iterator[str]:
    """Half a mock is none: who is let in by a way that proves nothing gets nothing real."""
    for option, url in (
        ("OSSFERRY_ENDPOINT", settings.endpoint),
        ("OSSFERRY_STS_ENDPOINT", settings.sts_address),
        ("OSSFERRY_OBJECTS_ENDPOINT", settings.objects_address),
        *(("OSSFERRY_UPLOAD_HOSTS", each) for each in settings.upload_hosts),
    ):
        if settings.allow_mock and not is_loopback(urlsplit(url).hostname or ""):
            yield (
                f"{option} must be a mock on this machine where OSSFERRY_ALLOW_MOCK=1;"
                " take that away to use the cloud"
            )


def _upload_hosts(settings: "Settings") -> Iterator[str]:
    option = "OSSFERRY_UPLOAD_HOSTS"
    for url in settings.upload_hosts:
        host = urlsplit(url).hostname or ""
        if _is_address(host) or not HOST_NAME.fullmatch(host):
            yield f"{option} must list host names: browsers ask them"
        elif not settings.is_endpoint(url):
            yield from _custom_domain(settings, option, url)
        elif url.startswith("http://") and not (settings.allow_mock and is_loopback(host)):
            yield f"{option} must list https only; http is for a mock on this machine"
        else:
            yield from _public_endpoint(settings, option, host.removeprefix(f"{settings.bucket}."))
    origins = settings.upload_origins
    if len(set(origins)) < len(origins):
        yield f"{option} must name each address once, with the bucket in front or without it"


def _public_endpoint(settings: "Settings", option: str, host: str) -> Iterator[str]:
    regional = _REGIONAL_HOST.fullmatch(host)
    if host.partition(".")[0].endswith("-internal"):
        yield f"{option} must not list internal endpoints: browsers do not reach them"
    elif regional and not (regional[1] or regional[2]).startswith(settings.region):
        yield f"{option} lists {host}, which is of another region than OSSFERRY_REGION"


def _custom_domain(settings: "Settings", option: str, url: str) -> Iterator[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if settings.allow_mock and is_loopback(host):
        return
    if parts.scheme != "https":
        yield f"{option} must be https; http is for a mock on this machine"
    elif _is_address(host) or "." not in host or host.rsplit(".", 1)[1].isdigit():
        yield f"{option} must name a custom domain, not an address"
    elif _VENDOR_LIKE.search(host):
        yield (
            f"{option} has {host}, which looks like an endpoint of Alibaba Cloud with a typing"
            " error; a custom domain is one of your own"
        )
    else:
        yield from _apart(settings, option, host)


def _apart(settings: "Settings", option: str, host: str) -> Iterator[str]:
    """Keep what people upload from sharing cookies with this server."""
    for ours in settings.allowed_hosts:
        if host == ours or host.endswith(f".{ours}") or ours.endswith(f".{host}"):
            yield (
                f"{option} must not be within a host of OSSFERRY_ALLOWED_HOSTS, nor the"
                " other way round: what people upload would share this server's cookies"
            )


def _cloud_address(
    settings: "Settings", option: str, url: str, *, otherwise: str = ""
) -> Iterator[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    mock = settings.allow_mock and is_loopback(host)
    if parts.scheme != "https" and not mock:
        yield f"{option} must be https; http is for a mock on this machine"
    elif not mock and not host.endswith(settings.endpoint_suffixes):
        yield f"{option} must end in one of OSSFERRY_ENDPOINT_SUFFIXES{otherwise}"


def _issuer_address(settings: "Settings", option: str, url: str) -> Iterator[str]:
    if not _PLAIN_URL.fullmatch(url):
        yield f"{option} must look like https://host/path"
        return
    parts = urlsplit(url)
    host = parts.hostname or ""
    if settings.allow_mock and is_loopback(host):
        return
    if parts.scheme != "https" or parts.username is not None:
        yield f"{option} must look like https://host/path"
    elif not HOST_NAME.fullmatch(host) or "." not in host or host.rsplit(".", 1)[1].isdigit():
        yield f"{option} must be a host name, not an address"


def _separate_roles(settings: "Settings") -> Iterator[str]:
    if settings.objects_role_arn == settings.role_arn:
        yield (
            "OSSFERRY_OBJECTS_ROLE_ARN must be another role than OSSFERRY_ROLE_ARN:"
            " what the server may do with uploads, a page must not"
        )


def _ledger(settings: "Settings") -> Iterator[str]:
    if not re.match(r"sqlite:///[^?]|postgresql://", settings.ledger_url):
        yield "OSSFERRY_DATABASE_URL must look like sqlite:///path or postgresql://user@host/name"
    for name in (
        "quota_bytes_day",
        "quota_objects_day",
        "quota_bytes_total",
        "quota_objects_total",
    ):
        if getattr(settings, name) is not None and settings.objects_role_arn is None:
            yield f"OSSFERRY_{name.upper()} needs OSSFERRY_OBJECTS_ROLE_ARN: receipts settle it"
    for name in ("callback", "skip_identical", "share_access_key_id", "webhook_url"):
        if getattr(settings, name) and settings.objects_role_arn is None:
            yield f"OSSFERRY_{name.upper()} needs OSSFERRY_OBJECTS_ROLE_ARN"


def _after_upload(settings: "Settings") -> Iterator[str]:
    if bool(settings.share_access_key_id) != bool(settings.share_access_key_secret):
        yield "OSSFERRY_SHARE_ACCESS_KEY_ID and OSSFERRY_SHARE_ACCESS_KEY_SECRET belong together"
    if settings.share_access_key_id.startswith(MOCK_KEYS) and not settings.allow_mock:
        yield "OSSFERRY_SHARE_ACCESS_KEY_ID is a key of the mock, whose secret everybody knows"
    if settings.link_origin:
        yield from _link_origin(settings, urlsplit(settings.link_origin))
    if settings.webhook_url:
        yield from _issuer_address(settings, "OSSFERRY_WEBHOOK_URL", settings.webhook_url)
        if settings.webhook_secret is None:
            yield "OSSFERRY_WEBHOOK_SECRET is missing: who gets events must be able to verify them"
    if "oss:GetObject" in settings.actions and settings.objects_role_arn:
        yield (
            "OSSFERRY_ACTIONS must not hold oss:GetObject where the server has"
            " OSSFERRY_OBJECTS_ROLE_ARN: links are the way to read an upload"
        )


def _link_origin(settings: "Settings", link: SplitResult) -> Iterator[str]:
    host = link.hostname or ""
    if link.scheme != "https" and not (settings.allow_mock and is_loopback(host)):
        yield "OSSFERRY_LINK_ORIGIN must be https"
    yield from _apart(settings, "OSSFERRY_LINK_ORIGIN", host)


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
    secret = settings.secret.get_secret_value()
    if bare(DEMO_SECRET) in bare(secret) and not settings.allow_mock:
        yield (
            "OSSFERRY_SECRET is that of the demo, which everybody knows:"
            " take what `openssl rand -hex 32` prints"
        )
    given = [
        value.get_secret_value()
        for value in (
            settings.secret,
            settings.proxy_secret,
            settings.metrics_token,
            settings.oidc_client_secret,
            settings.webhook_secret,
        )
        if value is not None
    ]
    if len(set(given)) < len(given):
        yield "OSSFERRY_SECRET must differ from every other secret"


RULES: tuple[Rule, ...] = (
    _identity,
    _transport,
    _endpoints,
    _separate_roles,
    _ledger,
    _after_upload,
    _sharing,
    _separate_secrets,
    _all_a_mock,
)


def is_mock_endpoint(host: str, bucket: str) -> bool:
    """Whether a host name is an endpoint of a mock on this machine, with the bucket or without."""
    return _MOCK_HOST.fullmatch(host.removeprefix(f"{bucket}.")) is not None


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if _is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
