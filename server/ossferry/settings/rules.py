"""Rules for combinations of options; each rule yields one error message per problem.

Each rule is a function that compares some options. Its parameters have the names of these options,
and `broken_rules` passes the values. A message names the invalid option and says how to correct it.
Rules open no file and no connection.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from inspect import signature
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from ossferry.settings.addresses import SUFFIX, Addresses, host_of, is_address, is_loopback
from ossferry.settings.types import HOST_NAME, bare

Rule: TypeAlias = Callable[..., Iterator[str]]
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


def broken_rules(options: object) -> Iterator[str]:
    """Apply all rules to the options, and yield the error message of each broken rule.

    Args:
        options: the settings. A rule is a function; the names of its parameters are the names of
            the options that the rule compares.
    """
    for rule in RULES:
        yield from rule(**{name: getattr(options, name) for name in signature(rule).parameters})


def _identity(
    auth: tuple[str, ...],
    allow_mock: bool,
    api_keys_file: object,
    jwt_issuer: str,
    jwt_audience: str,
    jwt_jwks_url: str,
    oidc_issuer: str,
    oidc_client_id: str,
    oidc_client_secret: SecretStr | None,
    public_url: str | None,
    proxy_secret: SecretStr | None,
) -> Iterator[str]:
    for method in UNPROVEN.intersection(auth):
        if not allow_mock:
            yield f"OSSFERRY_AUTH={method} lets anyone in and needs OSSFERRY_ALLOW_MOCK=1"
        if len(auth) > 1:
            yield f"OSSFERRY_AUTH must not combine {method} with others: it lets anyone in"
    if "app" in auth and len(auth) > 1:
        yield "OSSFERRY_AUTH must not combine app with others: the application identifies everybody"
    needed: dict[str, dict[str, object]] = {
        "apikey": {"API_KEYS_FILE": api_keys_file},
        "jwt": {
            "JWT_ISSUER": jwt_issuer,
            "JWT_AUDIENCE": jwt_audience,
            "JWT_JWKS_URL": jwt_jwks_url,
        },
        "oidc": {
            "OIDC_ISSUER": oidc_issuer,
            "OIDC_CLIENT_ID": oidc_client_id,
            "OIDC_CLIENT_SECRET": oidc_client_secret,
            "PUBLIC_URL": public_url,
        },
        "proxy": {"PROXY_SECRET": proxy_secret},
    }
    for method in auth:
        for name, value in needed.get(method, {}).items():
            if not value:
                yield f"OSSFERRY_{name} is missing: OSSFERRY_AUTH={method} needs it"


def _one_source_of_ids(auth: tuple[str, ...], jwt_issuer: str, oidc_issuer: str) -> Iterator[str]:
    """Yield an error message if two sources of ids could give the same id to two people.

    The id selects the key prefix, so these people could overwrite each other's uploads. The ids of
    API keys are the operator's own choice.
    """
    people = set(auth) & {"jwt", "oidc", "proxy"}
    if len(people) > 1 and (people != {"jwt", "oidc"} or jwt_issuer != oidc_issuer):
        yield (
            "OSSFERRY_AUTH may have only one of jwt, oidc and proxy, or jwt and oidc with the same"
            " issuer: otherwise two people could have the same id, and one folder"
        )


def _sign_in_page(auth: tuple[str, ...], sign_in_url: str | None) -> Iterator[str]:
    if sign_in_url and "app" not in auth:
        yield "OSSFERRY_SIGN_IN_URL needs OSSFERRY_AUTH=app: other methods have their own sign-in"
    if sign_in_url and not sign_in_url.startswith("/") and _is_plain(sign_in_url):
        yield "OSSFERRY_SIGN_IN_URL must be https: who is on the way could read the sign-in"


def _sessions(login_idle_s: int, login_max_s: int) -> Iterator[str]:
    if login_idle_s > login_max_s:
        yield "OSSFERRY_LOGIN_IDLE_S must not be longer than OSSFERRY_LOGIN_MAX_S"


def _transport(
    auth: tuple[str, ...],
    allow_mock: bool,
    host: str,
    behind_tls: bool,
    public_url: str | None,
    allowed_hosts: tuple[str, ...],
    trusted_proxies: tuple[Network, ...],
) -> Iterator[str]:
    playing = allow_mock and UNPROVEN.issuperset(auth)  # with a mock; see `_all_a_mock`
    if not (is_loopback(host) or behind_tls or playing):
        yield "OSSFERRY_HOST beyond loopback needs OSSFERRY_BEHIND_TLS=1"
    public = urlsplit(public_url or "https://x")
    if public.scheme != "https" and not is_loopback(public.hostname or ""):
        yield "OSSFERRY_PUBLIC_URL must be https; browsers keep secure cookies for https only"
    if public_url and public.hostname not in allowed_hosts:
        yield "OSSFERRY_ALLOWED_HOSTS must list the host of OSSFERRY_PUBLIC_URL"
    if _too_wide(trusted_proxies):
        yield (
            "OSSFERRY_TRUSTED_PROXIES must name the proxies' own networks: whoever is in one may"
            " say who they are; none may be wider than 10.0.0.0/8 or fc00::/7"
        )


def _other_origins(
    auth: tuple[str, ...], frame_origins: Iterable[str], cors_origins: tuple[str, ...]
) -> Iterator[str]:
    if any(_is_plain(origin) for origin in frame_origins):
        yield "OSSFERRY_FRAME_ORIGINS must be https: who is on the way could put anything around it"
    if any(_is_plain(origin) for origin in cors_origins):
        yield "OSSFERRY_CORS_ORIGINS must be https: who is on the way could ask in their name"
    if cors_origins and not {"apikey", "jwt"}.issuperset(auth):
        yield (
            "OSSFERRY_CORS_ORIGINS needs OSSFERRY_AUTH=apikey or jwt:"
            " other ways rest on what a browser sends by itself"
        )


def _is_plain(origin: str) -> bool:
    """Return whether an origin uses plain http and is not on this machine."""
    parts = urlsplit(origin)
    return parts.scheme != "https" and not is_loopback(parts.hostname or "")


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


def _endpoints(
    addresses: Addresses,
    region: str,
    allowed_hosts: tuple[str, ...],
    ram_endpoint: str,
    sts_endpoint: str | None,
    objects_endpoint: str | None,
) -> Iterator[str]:
    option, url = "OSSFERRY_ENDPOINT", addresses.endpoint
    host = host_of(url)
    if is_address(host) or not HOST_NAME.fullmatch(host):
        yield f"{option} must be a host name: browsers ask BUCKET.host"
    if addresses.cname:
        if addresses.is_endpoint(url):
            yield (
                "OSSFERRY_CNAME=1 needs a custom domain as OSSFERRY_ENDPOINT, not an endpoint of"
                " Alibaba Cloud; take it away, or name the domain that is bound to the bucket"
            )
        yield from _custom_domain(option, url, addresses.allow_mock, allowed_hosts)
    else:
        otherwise = "; for a custom domain of the bucket set OSSFERRY_CNAME=1"
        yield from _cloud_address(option, url, addresses, otherwise=otherwise)
        if is_loopback(host) and not addresses.is_endpoint(url):
            yield f"{option} has {host}, which is no endpoint of a mock{otherwise}"
    yield from _upload_hosts(addresses, region, allowed_hosts)
    yield from _cloud_address("OSSFERRY_RAM_ENDPOINT", ram_endpoint, addresses)
    if sts_endpoint:
        yield from _cloud_address("OSSFERRY_STS_ENDPOINT", sts_endpoint, addresses)
    if objects_endpoint:
        yield from _cloud_address("OSSFERRY_OBJECTS_ENDPOINT", objects_endpoint, addresses)


def _region(addresses: Addresses, region: str, objects_address: str) -> Iterator[str]:
    """Yield an error message for each common mistake in the configured region and endpoints.

    The mistakes are: the region begins with `oss-`, an endpoint contains the bucket's name, or an
    endpoint belongs to another region.
    """
    if region.startswith("oss-"):
        yield f"OSSFERRY_REGION must be without oss-: {region.removeprefix('oss-')}"
    for option, url in (
        ("OSSFERRY_ENDPOINT", addresses.endpoint),
        ("OSSFERRY_OBJECTS_ENDPOINT", objects_address),
    ):
        host = host_of(url)
        if host.startswith(f"{addresses.bucket}.") and addresses.is_endpoint(url):
            yield f"{option} must be without the bucket: browsers ask BUCKET.host"
        if _is_of_another_region(host, region):
            yield f"{option} is of another region than OSSFERRY_REGION"


def _issuers(allow_mock: bool, jwt_jwks_url: str, oidc_issuer: str) -> Iterator[str]:
    if jwt_jwks_url:
        yield from _issuer_address("OSSFERRY_JWT_JWKS_URL", jwt_jwks_url, allow_mock)
    if oidc_issuer:
        yield from _issuer_address("OSSFERRY_OIDC_ISSUER", oidc_issuer, allow_mock)


def _all_a_mock(addresses: Addresses, sts_address: str, objects_address: str) -> Iterator[str]:
    """If a mock is allowed, yield an error message for each endpoint that is not on this machine.

    A server that allows a mock may let anyone in without proof of identity. Such a server must not
    use real endpoints.
    """
    for option, url in (
        ("OSSFERRY_ENDPOINT", addresses.endpoint),
        ("OSSFERRY_STS_ENDPOINT", sts_address),
        ("OSSFERRY_OBJECTS_ENDPOINT", objects_address),
        *(("OSSFERRY_UPLOAD_HOSTS", each) for each in addresses.upload_hosts),
    ):
        if addresses.allow_mock and not is_loopback(host_of(url)):
            yield (
                f"{option} must be a mock on this machine where OSSFERRY_ALLOW_MOCK=1;"
                " take that away to use the cloud"
            )


def _upload_hosts(
    addresses: Addresses, region: str, allowed_hosts: tuple[str, ...]
) -> Iterator[str]:
    option = "OSSFERRY_UPLOAD_HOSTS"
    for url in addresses.upload_hosts:
        host = host_of(url)
        if is_address(host) or not HOST_NAME.fullmatch(host):
            yield f"{option} must list host names: browsers ask them"
        elif not addresses.is_endpoint(url):
            yield from _custom_domain(option, url, addresses.allow_mock, allowed_hosts)
        elif url.startswith("http://") and not (addresses.allow_mock and is_loopback(host)):
            yield f"{option} must list https only; http is for a mock on this machine"
        else:
            bucket_less = host.removeprefix(f"{addresses.bucket}.")
            yield from _public_endpoint(option, bucket_less, region)
    origins = addresses.upload_origins
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


def _custom_domain(
    option: str, url: str, allow_mock: bool, allowed_hosts: tuple[str, ...]
) -> Iterator[str]:
    host = host_of(url)
    if allow_mock and is_loopback(host):
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
        yield from _apart(option, host, allowed_hosts)


def _apart(option: str, host: str, allowed_hosts: tuple[str, ...]) -> Iterator[str]:
    """Yield an error message if a domain that serves uploads could share cookies with this server.

    Cookies can be shared if this domain and a host name of the server are equal, or if one is a
    subdomain of the other.
    """
    for ours in allowed_hosts:
        if host == ours or host.endswith(f".{ours}") or ours.endswith(f".{host}"):
            yield (
                f"{option} must not be within a host of OSSFERRY_ALLOWED_HOSTS, nor the"
                " other way round: what people upload would share this server's cookies"
            )


def _cloud_address(
    option: str, url: str, addresses: Addresses, *, otherwise: str = ""
) -> Iterator[str]:
    host = host_of(url)
    mock = addresses.allow_mock and is_loopback(host)
    if not url.startswith("https://") and not mock:
        yield f"{option} must be https; http is for a mock on this machine"
    elif not mock and not host.endswith(SUFFIX):
        yield f"{option} must end in {SUFFIX}{otherwise}"


def _issuer_address(option: str, url: str, allow_mock: bool) -> Iterator[str]:
    if not _PLAIN_URL.fullmatch(url):
        yield f"{option} must look like https://host/path"
        return
    parts = urlsplit(url)
    host = parts.hostname or ""
    if allow_mock and is_loopback(host):
        return
    if parts.scheme != "https" or parts.username is not None:
        yield f"{option} must look like https://host/path"
    elif not HOST_NAME.fullmatch(host) or "." not in host or host.rsplit(".", 1)[1].isdigit():
        yield f"{option} must be a host name, not an address"


def _separate_roles(role_arn: str, objects_role_arn: str | None) -> Iterator[str]:
    if objects_role_arn == role_arn:
        yield (
            "OSSFERRY_OBJECTS_ROLE_ARN must be another role than OSSFERRY_ROLE_ARN:"
            " what the server may do with uploads, a page must not"
        )


def _ledger(
    ledger_url: str,
    objects_role_arn: str | None,
    quota_bytes_day: int | None,
    quota_objects_day: int | None,
    quota_bytes_total: int | None,
    quota_objects_total: int | None,
) -> Iterator[str]:
    if not re.match(r"sqlite:///[^?]|postgresql://", ledger_url):
        yield "OSSFERRY_DATABASE_URL must look like sqlite:///path or postgresql://user@host/name"
    elif not _is_database_url(ledger_url):
        yield _UNREADABLE_URL.format("OSSFERRY_DATABASE_URL")
    quotas = {
        "BYTES_DAY": quota_bytes_day,
        "OBJECTS_DAY": quota_objects_day,
        "BYTES_TOTAL": quota_bytes_total,
        "OBJECTS_TOTAL": quota_objects_total,
    }
    for name, value in quotas.items():
        if value is not None and objects_role_arn is None:
            yield f"OSSFERRY_QUOTA_{name} needs OSSFERRY_OBJECTS_ROLE_ARN: receipts settle it"


def _trash(undo: str, undo_s: int) -> Iterator[str]:
    most = TRASH_DAYS * 86400
    if undo == "trash" and undo_s > most:
        yield (
            f"OSSFERRY_UNDO_S must not be longer than {most} ({TRASH_DAYS} days): the lifecycle"
            f" rule of `ossferry setup` deletes objects below trash/ after {TRASH_DAYS + 1} days"
        )


def _needs_objects_role(
    objects_role_arn: str | None,
    callback: bool,
    skip_identical: bool,
    share_access_key_id: str,
    webhook_url: str,
) -> Iterator[str]:
    given = {
        "CALLBACK": callback,
        "SKIP_IDENTICAL": skip_identical,
        "SHARE_ACCESS_KEY_ID": share_access_key_id,
        "WEBHOOK_URL": webhook_url,
    }
    for name, value in given.items():
        if value and objects_role_arn is None:
            yield f"OSSFERRY_{name} needs OSSFERRY_OBJECTS_ROLE_ARN"


def _links(
    allow_mock: bool,
    allowed_hosts: tuple[str, ...],
    share_access_key_id: str,
    share_access_key_secret: SecretStr | None,
    link_origin: str | None,
) -> Iterator[str]:
    if bool(share_access_key_id) != bool(share_access_key_secret):
        yield "OSSFERRY_SHARE_ACCESS_KEY_ID and OSSFERRY_SHARE_ACCESS_KEY_SECRET belong together"
    if share_access_key_id.startswith(MOCK_KEYS) and not allow_mock:
        yield "OSSFERRY_SHARE_ACCESS_KEY_ID is a key of the mock, whose secret everybody knows"
    if link_origin:
        yield from _link_origin(urlsplit(link_origin), allow_mock, allowed_hosts)


def _link_origin(
    link: SplitResult, allow_mock: bool, allowed_hosts: tuple[str, ...]
) -> Iterator[str]:
    host = link.hostname or ""
    if link.scheme != "https" and not (allow_mock and is_loopback(host)):
        yield "OSSFERRY_LINK_ORIGIN must be https"
    yield from _apart("OSSFERRY_LINK_ORIGIN", host, allowed_hosts)


def _webhook(allow_mock: bool, webhook_url: str, webhook_secret: SecretStr | None) -> Iterator[str]:
    if webhook_url:
        yield from _issuer_address("OSSFERRY_WEBHOOK_URL", webhook_url, allow_mock)
        if webhook_secret is None:
            yield "OSSFERRY_WEBHOOK_SECRET is missing: who gets events must be able to verify them"


def _reading(actions: tuple[str, ...], objects_role_arn: str | None) -> Iterator[str]:
    if "oss:GetObject" in actions and objects_role_arn:
        yield (
            "OSSFERRY_ACTIONS must not hold oss:GetObject where the server has"
            " OSSFERRY_OBJECTS_ROLE_ARN: links are the way to read an upload"
        )


def _forms_have_exact_types(grant: str, allowed_types: tuple[str, ...]) -> Iterator[str]:
    """Yield an error message if a form cannot have these types.

    OSS knows no file endings. A policy for `image/*` would allow all values that begin with
    `image/`, also `image/png,text/html`, which browsers show as a page.
    """
    vague = [each for each in allowed_types if each.startswith(".") or each.endswith("/*")]
    if grant == "form" and vague:
        yield (
            f"OSSFERRY_ALLOWED_TYPES has {', '.join(vague)}: OSSFERRY_GRANT=form needs exact"
            " content types, such as text/csv and image/jpeg"
        )


def _encryption(
    encrypt_public_key: object, encrypt_description: dict[str, str] | None
) -> Iterator[str]:
    if encrypt_description and encrypt_public_key is None:
        yield "OSSFERRY_ENCRYPT_DESCRIPTION needs OSSFERRY_ENCRYPT_PUBLIC_KEY, which it describes"


def _sharing(workers: int, redis_url: SecretStr | None) -> Iterator[str]:
    if workers > 1 and redis_url is None:
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


def _separate_secrets(
    allow_mock: bool,
    secret: SecretStr,
    proxy_secret: SecretStr | None,
    metrics_token: SecretStr | None,
    oidc_client_secret: SecretStr | None,
    webhook_secret: SecretStr | None,
) -> Iterator[str]:
    if bare(DEMO_SECRET) in bare(secret.get_secret_value()) and not allow_mock:
        yield (
            "OSSFERRY_SECRET is that of the demo, which everybody knows:"
            " take what `openssl rand -hex 32` prints"
        )
    secrets = (secret, proxy_secret, metrics_token, oidc_client_secret, webhook_secret)
    given = [each.get_secret_value() for each in secrets if each is not None]
    if len(set(given)) < len(given):
        yield "OSSFERRY_SECRET must differ from every other secret"


RULES: tuple[Rule, ...] = (
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
