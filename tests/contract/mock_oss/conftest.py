"""The default bucket of a fresh mock, through oss2."""

from typing import Any

import pytest

from contract.mock_oss.clients import oss2_bucket
from mock_oss import MockOSS


@pytest.fixture(params=["v4", "v1"])
def bucket(request: pytest.FixtureRequest, mock_oss: MockOSS) -> Any:
    """The default bucket, in both signature versions."""
    return oss2_bucket(mock_oss, version=request.param)


@pytest.fixture
def bucket_v4(mock_oss: MockOSS) -> Any:
    """The default bucket, with V4 signatures."""
    return oss2_bucket(mock_oss)
