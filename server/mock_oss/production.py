"""Keeps mocks out of production: the signs that a mock could be taken for the cloud.

One list of reasons for every command that runs with a mock: `mock-oss`, `demo` and `serve`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from mock_oss.errors import UnsafeStartError

__all__ = ["KEY_PREFIXES", "OVERRIDE", "refuse_production"]

KEY_PREFIXES = ("LTAI5tMock", "STS.NMockOss")
"""How access key ids of the mock begin; the cloud's own have random characters there."""

OVERRIDE = "--i-know-this-is-a-mock"
_STAGES = (
    "ENV",
    "ENVIRONMENT",
    "APP_ENV",
    "DEPLOY_ENV",
    "DJANGO_ENV",
    "FLASK_ENV",
    "NODE_ENV",
    "RAILS_ENV",
    "STAGE",
)
_LIVE = re.compile(
    r"(?<![a-z])(?<!no-)(?<!no_)(?<!non-)(?<!non_)(?<!not-)(?<!not_)"
    r"(production|prod|prd|live)(?![a-z])"
)
"""A word of its own in `prod`, `prod-eu`, `eu.production`; not in `non-prod` or `liveness`."""

_KEYS = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALICLOUD_ACCESS_KEY",
    "ALIYUN_ACCESS_KEY_ID",
    "OSS_ACCESS_KEY_ID",
)


def refuse_production(host: str, environment: Mapping[str, str], *, option: str = "--host") -> None:
    """Refuse to start where the mock could be taken for the cloud.

    Args:
        host: the address to listen on.
        environment: variables of the process.
        option: what sets the address.

    Raises:
        UnsafeStartError: one sentence with the reason, and with the option that overrides it.
    """
    for reason in _reasons(host, environment, option):
        raise UnsafeStartError(f"{reason}; {OVERRIDE} starts the mock all the same")


def _reasons(host: str, environment: Mapping[str, str], option: str) -> Iterator[str]:
    for name in _STAGES:
        if _LIVE.search(environment.get(name, "").lower()):
            yield f"{name}={environment[name]} says that this is no place for a mock"
    for name in _KEYS:
        key = environment.get(name, "")
        if key and not key.startswith(KEY_PREFIXES):
            yield f"{name} holds a key of the cloud, and a mock shall not be where such keys are"
    if not _is_loopback(host):
        yield f"{option} {host} is open to the network, and whoever reaches the mock rules it"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
