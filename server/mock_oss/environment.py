"""Environment variables: those of SDKs and applications, and those that say "production".

`mock_oss.in_process` and the pytest fixture `mock_oss_environment` set the variables with keys,
bucket and endpoint to the values of a mock, so that code under test neither needs nor finds real
keys. `refuse_production` refuses to start a mock in an environment that looks like production; the
command `mock-oss` and the commands of ossferry that start a mock use this check.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mock_oss.errors import UnsafeStartError
from mock_oss.http.addressing import is_loopback
from mock_oss.world.model import World

_NO_PROXY = ("no_proxy", "NO_PROXY")


def variables(world: World, endpoint: str) -> dict[str, str]:
    """Return environment variables that make SDKs and applications use a mock.

    Args:
        world: the configuration of the mock. The variables contain the first bucket in it, and the
            first access key of the first user who has one.
        endpoint: the URL of the mock.

    Returns:
        {variable name: value}. The variables are `OSS_ENDPOINT` and `OSS_REGION`; `OSS_BUCKET` if
        `world` has a bucket; and `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET`,
        `ALIBABA_CLOUD_ACCESS_KEY_ID` and `ALIBABA_CLOUD_ACCESS_KEY_SECRET` if it has an access key.
    """
    values = {"OSS_ENDPOINT": endpoint, "OSS_REGION": world.region}
    if world.buckets:
        values["OSS_BUCKET"] = world.buckets[0].name
    for access_key_id, secret in (pair for user in world.users for pair in user.keys.items()):
        for prefix in ("OSS", "ALIBABA_CLOUD"):
            values[f"{prefix}_ACCESS_KEY_ID"] = access_key_id
            values[f"{prefix}_ACCESS_KEY_SECRET"] = secret
        break
    return values


@contextmanager
def replaced_environment(new: Mapping[str, str], *, direct: str = "") -> Iterator[None]:
    """Context manager that changes environment variables, and restores them at the end.

    In the `with` block, the variables in `new` are set. All other variables in
    `CREDENTIAL_VARIABLES`, which contain credentials or name a source of credentials, are removed.

    Args:
        new: the variables to set.
        direct: a domain to add to `NO_PROXY`, so that its hosts are reached without a proxy; empty
            for none.
    """
    names = {*CREDENTIAL_VARIABLES, *new, *_NO_PROXY}
    before = {name: os.environ[name] for name in names if name in os.environ}
    for name in before.keys() - set(_NO_PROXY):
        del os.environ[name]
    os.environ.update(new)
    if direct:
        for name in _NO_PROXY:
            os.environ[name] = ",".join(filter(None, (before.get(name), direct)))
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)


KEY_PREFIXES = ("LTAI5tMock", "STS.NMockOss")
"""Prefixes of the mock's access key ids; real ids have random characters in their place."""

OVERRIDE = "--i-know-this-is-a-mock"
_STAGE_NAME = re.compile(
    r"(?!(VIRTUAL|CONDA_DEFAULT)_ENV$)"
    r"(.*_)?((ENV|ENVIRONMENT|STAGE|TIER)(_NAME)?|PROFILES_ACTIVE)",
    re.IGNORECASE,
)
"""Variables that name the stage a program runs in; VIRTUAL_ENV and CONDA_DEFAULT_ENV do not."""

_PATH = re.compile(r"[/~.]|[a-z]:[/\\]|[a-z]+://")
_NOT_LIVE = re.compile(r"(?<![a-z])(no|non|not)[-_ ]?(production|prod|prd|live)(?![a-z])")
_LIVE = re.compile(r"production|prod(?!uc|ukt)|prd|(?<![a-z])live(?![a-z])")
"""Matches in `prod`, `euprod` and `preproduction`, not in `product`, `reproduce`, `liveness`."""

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
CREDENTIAL_VARIABLES = (
    *_KEYS,
    *_ROLES,
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALICLOUD_SECRET_KEY",
    "ALIYUN_ACCESS_KEY_SECRET",
    "OSS_ACCESS_KEY_SECRET",
    "OSS_SESSION_TOKEN",
)
"""The environment variables with keys, secrets or tokens, or that give access to them."""


def refuse_production(host: str, environment: Mapping[str, str], *, option: str = "--host") -> None:
    """Raise UnsafeStartError if it is not safe to start a mock on this machine.

    It is not safe if a variable such as `APP_ENV` says that this is a production environment, if a
    variable contains an access key that is not a mock's key, if a variable names a source of
    credentials, such as `ALIBABA_CLOUD_ROLE_ARN`, or if other machines can reach the mock.

    Args:
        host: the address to listen on.
        environment: the environment variables of the process.
        option: the name of the option that sets `host`, for the message of the error.

    Raises:
        UnsafeStartError: it is not safe. The message contains the reason, and the option
            `--i-know-this-is-a-mock`, which allows the start.
    """
    for reason in _reasons(host, environment, option):
        raise UnsafeStartError(f"{reason}; use {OVERRIDE} to start the mock anyway")


def _reasons(host: str, environment: Mapping[str, str], option: str) -> Iterator[str]:
    for name, value in environment.items():
        if _STAGE_NAME.fullmatch(name) and _is_live(value.lower()):
            yield f"{name}={value} says that this is a production environment"
    for name in _KEYS:
        key = environment.get(name, "")
        if key and not key.startswith(KEY_PREFIXES):
            yield f"{name} holds a real access key, and a mock must not run next to real keys"
    for name in _ROLES:
        if environment.get(name):
            yield f"{name} gives access to real keys, and a mock must not run next to real keys"
    if not is_loopback(host):
        yield f"{option} {host} is reachable from the network, and everybody can control the mock"


def _is_live(stage: str) -> bool:
    return not _PATH.match(stage) and _LIVE.search(_NOT_LIVE.sub("", stage)) is not None
