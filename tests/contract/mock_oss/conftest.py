"""Fixtures of the mock's contract tests: the default bucket of a new mock, accessed through
oss2.
"""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from contract.mock_oss.clients import oss2_bucket
from mock_oss import MockOSS
from support.garbage import collected

HERE = Path(__file__).parent
SDK_SOCKETS = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ignore warnings about open sockets, which the official SDKs cause."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(SDK_SOCKETS)


@pytest.fixture(autouse=True)
def _sockets_of_sdks() -> Iterator[None]:
    """Collect an SDK's unclosed sockets after each test, so that they cause no warning in the next
    one.
    """
    garbage = ExitStack()
    garbage.enter_context(collected())
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        garbage.close()


@pytest.fixture(params=["v4", "v1"])
def bucket(request: pytest.FixtureRequest, mock_oss: MockOSS) -> Any:
    """The default bucket, with each signature version."""
    return oss2_bucket(mock_oss, version=request.param)


@pytest.fixture
def bucket_v4(mock_oss: MockOSS) -> Any:
    """The default bucket, with V4 signatures."""
    return oss2_bucket(mock_oss)
