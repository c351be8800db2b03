"""The environment variables from which SDKs and applications read keys, bucket and endpoint.

`mock_oss.in_process` and the pytest fixture `mock_oss_environment` set these variables to the
values of a mock, so that code under test neither needs nor finds real keys.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mock_oss.production import CREDENTIAL_VARIABLES
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
