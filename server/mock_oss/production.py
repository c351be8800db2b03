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
_STAGE_NAME = re.compile(
    r"(?!(VIRTUAL|CONDA_DEFAULT)_ENV$)"
    r"(.*_)?((ENV|ENVIRONMENT|STAGE|TIER)(_NAME)?|PROFILES_ACTIVE)",
    re.IGNORECASE,
)
"""Variables that say where a program runs, and not where its packages are."""

_PATH = re.compile(r"[/~.]|[a-z]:[/\\]|[a-z]+://")
_NOT_LIVE = re.compile(r"(?<![a-z])(no|non|not)[-_ ]?(production|prod|prd|live)(?![a-z])")
_LIVE = re.compile(r"production|prod(?!uc|ukt)|prd|(?<![a-z])live(?![a-z])")
"""Found in `prod`, `euprod` and `preproduction`; not in `product`, `reproduce` or `liveness`."""

_KEYS = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALICLOUD_ACCESS_KEY",
    "ALIYUN_ACCESS_KEY_ID",
    "OSS_ACCESS_KEY_ID",
)
_ROLES = (
    "ALIBABA_CLOUD_CREDENTIALS_URI",
    "ALIBABA_CLOUD_ECS_METADATA",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "ALIBABA_CLOUD_ROLE_ARN",
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
    for name, value in environment.items():
        if _STAGE_NAME.fullmatch(name) and _is_live(value.lower()):
            yield f"{name}={value} says that this is no place for a mock"
    for name in _KEYS:
        key = environment.get(name, "")
        if key and not key.startswith(KEY_PREFIXES):
            yield f"{name} holds a key of the cloud, and a mock shall not be where such keys are"
    for name in _ROLES:
        if environment.get(name):
            yield f"{name} leads to keys of the cloud, and a mock shall not be where such keys are"
    if not _is_loopback(host):
        yield f"{option} {host} is open to the network, and whoever reaches the mock rules it"


def _is_live(stage: str) -> bool:
    return not _PATH.match(stage) and _LIVE.search(_NOT_LIVE.sub("", stage)) is not None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
