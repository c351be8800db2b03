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
    """Return the environment variables that lead SDKs and applications to a mock.

    Args:
        world: the configuration of the mock; its first user with a key and its first bucket are
            used.
        endpoint: the URL of the mock.
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
    """Context manager that changes the environment, and restores the environment at its end.

    The given variables are set, and all other variables that give access to real keys are removed.

    Args:
        new: the variables to set.
        direct: a domain whose hosts must be reached without a proxy; empty for none.
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
