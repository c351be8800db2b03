"""A mock of Alibaba Cloud OSS and STS, for tests and for development without a cloud account.

``with MockOSS() as oss:`` starts a mock; pytest tests use the ``mock_oss`` fixture. The package
imports no OSS SDK and no other package of this project: it is an independent implementation of the
vendor's documentation.
"""

from mock_oss.clock import Clock
from mock_oss.errors import (
    DataDirError,
    DataDirInUseError,
    MockOSSError,
    PortInUseError,
    WorldError,
)
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
    "User",
    "World",
    "WorldError",
]
