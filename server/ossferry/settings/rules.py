"""Rules for combinations of options; each rule yields one error message per problem.

A message names the invalid option and says how to correct it. Rules open no file and no connection.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias
from urllib.parse import urlsplit

from ossferry.settings.addresses import SUFFIX, host_of, is_address, is_loopback
from ossferry.settings.options import Options
from ossferry.settings.types import HOST_NAME, bare

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

UNPROVEN: frozenset[str] = frozenset({"demo"})
"""Values of `OSSFERRY_AUTH` that prove nobody's identity."""

MOCK_KEYS = ("LTAI5tMock", "STS.NMockOss")
"""The prefixes of all access key ids of the mock."""

DEMO_SECRET = "the demo's prefixes stay the same from run to run"  # noqa: S105 - guards a mock only
TRASH_DAYS = 7
"""The longest time in which an object below `trash/` can be restored."""

V4_IN_V6 = ipaddress.IPv6Network("::ffff:0:0/96")
_REGIONAL_HOST = re.compile(
    r"(?:oss-([a-z]{2}-[a-z0-9-]+)|([a-z]{2}-[a-z0-9-]+)\.oss)\.aliyuncs\.com"
)
_VENDOR_LIKE = re.compile(r"(?:^|\.)(?:aliyun|alibabacloud)[a-z0-9-]*\.")
_PLAIN_URL = re.compile(r"[!-\[\]-~]+")
"""No spaces, control characters or backslashes: programs read different hosts from such URLs."""

_UNREADABLE_URL = (
    "{} is not a valid URL: percent-encode special characters in the password, such as / as %2F,"
    " and write the port as a number"
)
"""The message for a URL with a password; it must not quote the URL."""

NEEDED = {
    "apikey": ("api_keys_file",),
    "jwt": ("jwt_issuer", "jwt_audience", "jwt_jwks_url"),
    "oidc": ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "public_url"),
    "proxy": ("proxy_secret",),
}
"""The options that each value of `OSSFERRY_AUTH` needs."""

QUOTAS = ("quota_bytes_day", "quota_objects_day", "quota_bytes_total", "quota_objects_total")


def broken_rules(options: Options) -> Iterator[str]:
    """Yield an error message for each problem in the combination of these options."""
    for rule in RULES:
        yield from rule(options)


def _identity(options: Options) -> Iterator[str]:
    auth = options.auth
    for method in UNPROVEN.intersection(auth):
        if not options.allow_mock:
            yield f"OSSFERRY_AUTH={method} lets anyone in and needs OSSFERRY_ALLOW_MOCK=1"
        if len(auth) > 1:
            yield f"OSSFERRY_AUTH must not combine {method} with others: it lets anyone in"
    if "app" in auth and len(auth) > 1:
        yield "OSSFERRY_AUTH must not combine app with others: the application identifies everybody"
    for method in auth:
        for name in NEEDED.get(method, ()):
            if not getattr(options, name):
                yield f"OSSFERRY_{name.upper()} is missing: OSSFERRY_AUTH={method} needs it"


def _one_source_of_ids(options: Options) -> Iterator[str]:
    """Yield an error message if two sources of ids could give the same id to two people.

    The id selects the key prefix, so these people could overwrite each other's uploads. The ids of
    API keys are the operator's own choice.
    """
    people = set(options.auth) & {"jwt", "oidc", "proxy"}
    one_issuer = people == {"jwt", "oidc"} and options.jwt_issuer == options.oidc_issuer
    if len(people) > 1 and not one_issuer:
        yield (
            "OSSFERRY_AUTH may have only one of jwt, oidc and proxy, or jwt and oidc with the same"
            " issuer: otherwise two people could have the same id, and one folder"
        )


def _sign_in_page(options: Options) -> Iterator[str]:
    url = options.sign_in_url
    if url and "app" not in options.auth:
        yield "OSSFERRY_SIGN_IN_URL needs OSSFERRY_AUTH=app: other methods have their own sign-in"
    if url and not url.startswith("/") and _is_plain(url):
        yield "OSSFERRY_SIGN_IN_URL must be https: who is on the way could read the sign-in"


def _sessions(options: Options) -> Iterator[str]:
    if options.login_idle_s > options.login_max_s:
        yield "OSSFERRY_LOGIN_IDLE_S must not be longer than OSSFERRY_LOGIN_MAX_S"


def _transport(options: Options) -> Iterator[str]:
    playing = options.allow_mock and UNPROVEN.issuperset(options.auth)  # see `_all_a_mock`
    if not (is_loopback(options.host) or options.behind_tls or playing):
        yield "OSSFERRY_HOST beyond loopback needs OSSFERRY_BEHIND_TLS=1"
    public_url = options.public_url
    if public_url and _is_plain(public_url):
        yield "OSSFERRY_PUBLIC_URL must be https; browsers keep secure cookies for https only"
    if public_url and host_of(public_url) not in options.allowed_hosts:
        yield "OSSFERRY_ALLOWED_HOSTS must list the host of OSSFERRY_PUBLIC_URL"
    if _too_wide(options.trusted_proxies):
        yield (
            "OSSFERRY_TRUSTED_PROXIES must name the proxies' own networks: whoever is in one may"
            " say who they are; none may be wider than 10.0.0.0/8 or fc00::/7"
        )


def _other_origins(options: Options) -> Iterator[str]:
    if any(_is_plain(origin) for origin in options.frame_origins):
        yield "OSSFERRY_FRAME_ORIGINS must be https: who is on the way could put anything around it"
    if any(_is_plain(origin) for origin in options.cors_origins):
        yield "OSSFERRY_CORS_ORIGINS must be https: who is on the way could ask in their name"
    if options.cors_origins and not {"apikey", "jwt"}.issuperset(options.auth):
        yield (
            "OSSFERRY_CORS_ORIGINS needs OSSFERRY_AUTH=apikey or jwt:"
            " other ways rest on what a browser sends by itself"
        )


def _is_plain(origin: str) -> bool:
    """Return whether an origin uses plain http and is not on this machine."""
    return not origin.startswith("https://") and not is_loopback(host_of(origin))


def _too_wide(networks: Iterable[Network]) -> bool:
    """Return whether trusted networks cover too large a part of the internet.

    The limits are /8 for IPv4 and /7 for IPv6; adjacent networks count together.
    """
    v4 = [each for each in networks if isinstance(each, ipaddress.IPv4Network)]
    v6 = [each for each in networks if isinstance(each, ipaddress.IPv6Network)]
    return (
        any(each.prefixlen < 8 for each in ipaddress.collapse_addresses(v4))
        or any(each.prefixlen < 7 for each in ipaddress.collapse_addresses(v6))
        or any(each.overlaps(V4_IN_V6) and each.prefixlen < 96 + 8 for each in v6)
    )


def _endpoints(options: Options) -> Iterator[str]:
    option, url = "OSSFERRY_ENDPOINT", options.endpoint
    host = host_of(url)
    if is_address(host) or not HOST_NAME.fullmatch(host):
        yield f"{option} must be a host name: browsers ask BUCKET.host"
    if options.cname:
        if options.is_endpoint(url):
            yield (
                "OSSFERRY_CNAME=1 needs a custom domain as OSSFERRY_ENDPOINT, not an endpoint of"
                " Alibaba Cloud; take it away, or name the domain that is bound to the bucket"
            )
        yield from _custom_domain(option, url, options)
    else:
        otherwise = "; for a custom domain of the bucket set OSSFERRY_CNAME=1"
        yield from _cloud_address(option, url, options, otherwise=otherwise)
        if is_loopback(host) and not options.is_endpoint(url):
            yield f"{option} has {host}, which is no endpoint of a mock{otherwise}"
    yield from _upload_hosts(options)
    if options.sts_endpoint:
        yield from _cloud_address("OSSFERRY_STS_ENDPOINT", options.sts_endpoint, options)
    if options.objects_endpoint:
        yield from _cloud_address("OSSFERRY_OBJECTS_ENDPOINT", options.objects_endpoint, options)


def _region(options: Options) -> Iterator[str]:
    """Yield an error message for each common mistake in the configured region and endpoints.

    The mistakes are: the region begins with `oss-`, an endpoint contains the bucket's name, or an
    endpoint belongs to another region.
    """
    region = options.region
    if region.startswith("oss-"):
        yield f"OSSFERRY_REGION must be without oss-: {region.removeprefix('oss-')}"
    for option, url in (
        ("OSSFERRY_ENDPOINT", options.endpoint),
        ("OSSFERRY_OBJECTS_ENDPOINT", options.objects_address),
    ):
        host = host_of(url)
        if host.startswith(f"{options.bucket}.") and options.is_endpoint(url):
            yield f"{option} must be without the bucket: browsers ask BUCKET.host"
        if _is_of_another_region(host, region):
            yield f"{option} is of another region than OSSFERRY_REGION"


def _issuers(options: Options) -> Iterator[str]:
    if options.jwt_jwks_url:
        yield from _issuer_address("OSSFERRY_JWT_JWKS_URL", options.jwt_jwks_url, options)
    if options.oidc_issuer:
        yield from _issuer_address("OSSFERRY_OIDC_ISSUER", options.oidc_issuer, options)


def _all_a_mock(options: Options) -> Iterator[str]:
    """If a mock is allowed, yield an error message for each endpoint that is not on this machine.

    A server that allows a mock may let anyone in without proof of identity. Such a server must not
    use real endpoints.
    """
    for option, url in (
        ("OSSFERRY_ENDPOINT", options.endpoint),
        ("OSSFERRY_STS_ENDPOINT", options.sts_address),
        ("OSSFERRY_OBJECTS_ENDPOINT", options.objects_address),
        *(("OSSFERRY_UPLOAD_HOSTS", each) for each in options.upload_hosts),
    ):
        if options.allow_mock and not is_loopback(host_of(url)):
            yield (
                f"{option} must be a mock on this machine where OSSFERRY_ALLOW_MOCK=1;"
                " take that away to use the cloud"
            )


def _upload_hosts(options: Options) -> Iterator[str]:
    option = "OSSFERRY_UPLOAD_HOSTS"
    for url in options.upload_hosts:
        host = host_of(url)
        if is_address(host) or not HOST_NAME.fullmatch(host):
            yield f"{option} must list host names: browsers ask them"
        elif not options.is_endpoint(url):
            yield from _custom_domain(option, url, options)
        elif url.startswith("http://") and not (options.allow_mock and is_loopback(host)):
            yield f"{option} must list https only; http is for a mock on this machine"
        else:
            bucket_less = host.removeprefix(f"{options.bucket}.")
            yield from _public_endpoint(option, bucket_less, options.region)
    origins = options.upload_origins
    if len(set(origins)) < len(origins):
        yield f"{option} must name each address once, with the bucket in front or without it"


def _public_endpoint(option: str, host: str, region: str) -> Iterator[str]:
    if host.partition(".")[0].endswith("-internal"):
        yield f"{option} must not list internal endpoints: browsers do not reach them"
    elif _is_of_another_region(host, region):
        yield f"{option} lists {host}, which is of another region than OSSFERRY_REGION"


def _is_of_another_region(host: str, region: str) -> bool:
    """Return whether a host is the endpoint of a region other than `region`."""
    found = _REGIONAL_HOST.fullmatch(host)
    return found is not None and not (found[1] or found[2]).startswith(region)


def _custom_domain(option: str, url: str, options: Options) -> Iterator[str]:
    host = host_of(url)
    if options.allow_mock and is_loopback(host):
        return
    if not url.startswith("https://"):
        yield f"{option} must be https; http is for a mock on this machine"
    elif is_address(host) or "." not in host or host.rsplit(".", 1)[1].isdigit():
        yield f"{option} must name a custom domain, not an address"
    elif _VENDOR_LIKE.search(host):
        yield (
            f"{option} has {host}, which looks like an endpoint of Alibaba Cloud with a typing"
            " error; a custom domain is one of your own"
        )
    else:
        yield from _apart(option, host, options)


def _apart(option: str, host: str, options: Options) -> Iterator[str]:
    """Yield an error message if a domain that serves uploads could share cookies with this server.

    Cookies can be shared if this domain and a host name of the server are equal, or if one is a
    subdomain of the other.
    """
    for ours in options.allowed_hosts:
        if host == ours or host.endswith(f".{ours}") or ours.endswith(f".{host}"):
            yield (
                f"{option} must not be within a host of OSSFERRY_ALLOWED_HOSTS, nor the"
                " other way round: what people upload would share this server's cookies"
            )


def _cloud_address(
    option: str, url: str, options: Options, *, otherwise: str = ""
) -> Iterator[str]:
    host = host_of(url)
    mock = options.allow_mock and is_loopback(host)
    if not url.startswith("https://") and not mock:
        yield f"{option} must be https; http is for a mock on this machine"
    elif not mock and not host.endswith(SUFFIX):
        yield f"{option} must end in {SUFFIX}{otherwise}"


def _issuer_address(option: str, url: str, options: Options) -> Iterator[str]:
    if not _PLAIN_URL.fullmatch(url):
        yield f"{option} must look like https://host/path"
        return
    parts = urlsplit(url)
    host = parts.hostname or ""
    if options.allow_mock and is_loopback(host):
        return
    if parts.scheme != "https" or parts.username is not None:
        yield f"{option} must look like https://host/path"
    elif not HOST_NAME.fullmatch(host) or "." not in host or host.rsplit(".", 1)[1].isdigit():
        yield f"{option} must be a host name, not an address"


def _separate_roles(options: Options) -> Iterator[str]:
    if options.objects_role_arn == options.role_arn:
        yield (
            "OSSFERRY_OBJECTS_ROLE_ARN must be another role than OSSFERRY_ROLE_ARN:"
            " what the server may do with uploads, a page must not"
        )


def _ledger(options: Options) -> Iterator[str]:
    if not re.match(r"sqlite:///[^?]|postgresql://", options.ledger_url):
        yield "OSSFERRY_DATABASE_URL must look like sqlite:///path or postgresql://user@host/name"
    elif not _is_database_url(options.ledger_url):
        yield _UNREADABLE_URL.format("OSSFERRY_DATABASE_URL")
    for name in QUOTAS:
        if getattr(options, name) is not None and options.objects_role_arn is None:
            yield f"OSSFERRY_{name.upper()} needs OSSFERRY_OBJECTS_ROLE_ARN: receipts settle it"


def _trash(options: Options) -> Iterator[str]:
    most = TRASH_DAYS * 86400
    if options.undo == "trash" and options.undo_s > most:
        yield (
            f"OSSFERRY_UNDO_S must not be longer than {most} ({TRASH_DAYS} days): the lifecycle"
            f" rule of `ossferry setup` deletes objects below trash/ after {TRASH_DAYS + 1} days"
        )


def _needs_objects_role(options: Options) -> Iterator[str]:
    for name in (
        "callback",
        "details",
        "requests",
        "skip_identical",
        "share_access_key_id",
        "webhook_url",
    ):
        if getattr(options, name) and options.objects_role_arn is None:
            yield f"OSSFERRY_{name.upper()} needs OSSFERRY_OBJECTS_ROLE_ARN"


def _scanning(options: Options) -> Iterator[str]:
    name = "OSSFERRY_RELEASE=checked"
    if options.release == "checked" and options.objects_role_arn is None:
        yield f"{name} needs OSSFERRY_OBJECTS_ROLE_ARN"
    if options.release == "checked" and options.encrypt_public_key:
        yield f"{name} excludes OSSFERRY_ENCRYPT_PUBLIC_KEY: no scanner can read the files"
    if options.release == "checked" and not (options.has_scanner or options.has_checks):
        yield f"{name} needs OSSFERRY_CLAMD, OSSFERRY_SCANNER_URL or checks, to look at the files"


def _links(options: Options) -> Iterator[str]:
    key_id, link = options.share_access_key_id, options.link_origin
    if bool(key_id) != bool(options.share_access_key_secret):
        yield "OSSFERRY_SHARE_ACCESS_KEY_ID and OSSFERRY_SHARE_ACCESS_KEY_SECRET belong together"
    if key_id.startswith(MOCK_KEYS) and not options.allow_mock:
        yield "OSSFERRY_SHARE_ACCESS_KEY_ID is a key of the mock, whose secret everybody knows"
    if link:
        host = host_of(link)
        if not link.startswith("https://") and not (options.allow_mock and is_loopback(host)):
            yield "OSSFERRY_LINK_ORIGIN must be https"
        yield from _apart("OSSFERRY_LINK_ORIGIN", host, options)


def _webhook(options: Options) -> Iterator[str]:
    if options.webhook_url:
        yield from _issuer_address("OSSFERRY_WEBHOOK_URL", options.webhook_url, options)
        if options.webhook_secret is None:
            yield "OSSFERRY_WEBHOOK_SECRET is missing: who gets events must be able to verify them"


def _reading(options: Options) -> Iterator[str]:
    if "oss:GetObject" in options.actions and options.objects_role_arn:
        yield (
            "OSSFERRY_ACTIONS must not hold oss:GetObject where the server has"
            " OSSFERRY_OBJECTS_ROLE_ARN: links are the way to read an upload"
        )


def _forms_have_exact_types(options: Options) -> Iterator[str]:
    """Yield an error message if a form cannot have these types.

    OSS knows no file endings. A policy for `image/*` would allow all values that begin with
    `image/`, also `image/png,text/html`, which browsers show as a page.
    """
    types = options.allowed_types
    vague = [each for each in types if each.startswith(".") or each.endswith("/*")]
    if options.grant == "form" and vague:
        yield (
            f"OSSFERRY_ALLOWED_TYPES has {', '.join(vague)}: OSSFERRY_GRANT=form needs exact"
            " content types, such as text/csv and image/jpeg"
        )


def _encryption(options: Options) -> Iterator[str]:
    if options.encrypt_description and options.encrypt_public_key is None:
        yield "OSSFERRY_ENCRYPT_DESCRIPTION needs OSSFERRY_ENCRYPT_PUBLIC_KEY, which it describes"


def _sharing(options: Options) -> Iterator[str]:
    redis_url = options.redis_url
    if options.workers > 1 and redis_url is None:
        yield (
            "OSSFERRY_WORKERS above 1 needs OSSFERRY_REDIS_URL:"
            " limits in memory would count in each process alone"
        )
    url = "rediss://x" if redis_url is None else redis_url.get_secret_value()
    if not url.startswith(("redis://", "rediss://", "unix://")):
        yield "OSSFERRY_REDIS_URL must start with redis://, rediss:// or unix://"
    elif not _is_redis_url(url):
        yield _UNREADABLE_URL.format("OSSFERRY_REDIS_URL")


def _is_database_url(url: str) -> bool:
    """Return whether SQLAlchemy can read a URL, and finds a host without a part of the password."""
    from sqlalchemy import make_url  # slow to import, and many commands need no ledger

    try:
        return "@" not in (make_url(url).host or "")
    except ValueError:
        return False


def _is_redis_url(url: str) -> bool:
    """Return whether the client of Redis can read a URL.

    An `@` after the host means that the password contains `/` or `#`: then the client would take
    the user for the host.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return "@" not in parts.path + parts.fragment


def _separate_secrets(options: Options) -> Iterator[str]:
    secret = options.secret.get_secret_value()
    if bare(DEMO_SECRET) in bare(secret) and not options.allow_mock:
        yield (
            "OSSFERRY_SECRET is that of the demo, which everybody knows:"
            " take what `openssl rand -hex 32` prints"
        )
    others = (
        options.proxy_secret,
        options.metrics_token,
        options.oidc_client_secret,
        options.webhook_secret,
    )
    given = [secret, *(each.get_secret_value() for each in others if each)]
    if len(set(given)) < len(given):
        yield "OSSFERRY_SECRET must differ from every other secret"


def _limits(options: Options) -> Iterator[str]:
    for least, most in (("min_file_size", "max_file_size"), ("min_files", "max_files")):
        if getattr(options.limits, least) > getattr(options, most):
            yield f"OSSFERRY_LIMITS: {least} is more than OSSFERRY_{most.upper()}"


RULES = (
    _limits,
    _identity,
    _one_source_of_ids,
    _sign_in_page,
    _sessions,
    _transport,
    _other_origins,
    _endpoints,
    _region,
    _issuers,
    _separate_roles,
    _ledger,
    _trash,
    _needs_objects_role,
    _scanning,
    _links,
    _webhook,
    _reading,
    _forms_have_exact_types,
    _encryption,
    _sharing,
    _separate_secrets,
    _all_a_mock,
)
"""All rules; the server reports the first broken one."""
