"""Keeps the mock's program out of production: signs that the mock could be taken for the cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from mock_oss.errors import UnsafeStartError

__all__ = ["KEY_PREFIXES", "OVERRIDE", "refuse_production"]

KEY_PREFIXES = ("LTAI5tMock", "STS.NMockOss")
"""How access key ids of the mock begin; the cloud's own have random characters there."""

OVERRIDE = "--i-know-this-is-a-mock"
_STAGES = ("ENV", "ENVIRONMENT", "APP_ENV", "NODE_ENV", "FLASK_ENV", "RAILS_ENV", "DJANGO_ENV")
_LIVE = frozenset({"production", "prod", "live"})
_KEYS = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY", "OSS_ACCESS_KEY_ID")


def refuse_production(host: str, environment: Mapping[str, str]) -> None:
    """Refuse to start where the mock could be taken for the cloud.

    Args:
        host: the address to listen on.
        environment: variables of the process.

    Raises:
        UnsafeStartError: one sentence with the reason, and with the option that overrides it.
    """
    for reason in _reasons(host, environment):
        raise UnsafeStartError(f"{reason}; {OVERRIDE} starts the mock all the same")


def _reasons(host: str, environment: Mapping[str, str]) -> Iterator[str]:
    for name in _STAGES:
        if environment.get(name, "").lower() in _LIVE:
            yield f"{name}={environment[name]} says that this is no place for a mock"
    for name in _KEYS:
        key = environment.get(name, "")
        if key and not key.startswith(KEY_PREFIXES):
            yield f"{name} holds a key of the cloud, and a mock shall not be where such keys are"
    if not _is_loopback(host):
        yield f"--host {host} is open to the network, and whoever reaches the mock rules it"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
