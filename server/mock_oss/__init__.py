"""A mock of Alibaba Cloud OSS and STS for tests and laptops.

``with MockOSS() as oss:`` runs one; the ``mock_oss`` fixture does it for pytest. Imports neither
an OSS SDK nor the rest of the project: it is an independent reading of the vendor's documents.
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
