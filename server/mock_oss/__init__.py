"""A mock of Alibaba Cloud OSS and STS, for tests and for development without a cloud account.

`with MockOSS() as oss:` starts a mock that listens on a port. Tests with pytest use the fixture
`mock_oss`. A function with the decorator `@mocked` needs no port: its requests to the vendor's host
names reach a mock in the same process. The package imports no OSS SDK and no other package of this
project: it is an independent implementation of the vendor's documentation.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_oss.clock import Clock
    from mock_oss.errors import (
        DataDirError,
        DataDirInUseError,
        MockOSSError,
        PortInUseError,
        UnknownOperationError,
        UploadTimeoutError,
        WorldError,
        WrongRequestsError,
    )
    from mock_oss.patching import current_mock, in_process, mocked
    from mock_oss.server import MockOSS
    from mock_oss.world.model import (
        ACCESS_KEY_ID,
        ACCESS_KEY_SECRET,
        ACCOUNT_ID,
        BUCKET,
        ROLE_ARN,
        BucketSpec,
        Role,
        User,
        World,
    )

__all__ = [
    "ACCESS_KEY_ID",
    "ACCESS_KEY_SECRET",
    "ACCOUNT_ID",
    "BUCKET",
    "ROLE_ARN",
    "BucketSpec",
    "Clock",
    "DataDirError",
    "DataDirInUseError",
    "MockOSS",
    "MockOSSError",
    "PortInUseError",
    "Role",
    "UnknownOperationError",
    "UploadTimeoutError",
    "User",
    "World",
    "WorldError",
    "WrongRequestsError",
    "current_mock",
    "in_process",
    "mocked",
]

_MODULES = {
    "Clock": "clock",
    "MockOSS": "server",
    **dict.fromkeys(("current_mock", "in_process", "mocked"), "patching"),
}
"""The modules of the public names; errors are in `errors`, and the other names in `world.model`."""


def __getattr__(name: str) -> object:
    """Import a public name of this package when it is first used.

    The late import keeps `import mock_oss` fast, because pytest imports the package in every run.

    Raises:
        AttributeError: the package has no such name.
    """
    if name not in __all__:
        raise AttributeError(f"module 'mock_oss' has no attribute {name!r}")
    module = _MODULES.get(name, "errors" if name.endswith("Error") else "world.model")
    value: object = getattr(import_module(f"mock_oss.{module}"), name)
    globals()[name] = value  # so that later uses are as fast as those of other names
    return value
