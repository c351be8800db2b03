"""The pytest plugin with the ``mock_oss`` fixture: a new mock for every test.

pytest loads this plugin automatically. To configure the mock, a project overrides the fixture
``mock_oss_options``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mock_oss.server import MockOSS

__all__ = ["mock_oss", "mock_oss_options"]


@pytest.fixture
def mock_oss_options() -> dict[str, Any]:
    """Return keyword arguments for ``MockOSS``; override this fixture to configure the mock."""
    return {}


@pytest.fixture
def mock_oss(mock_oss_options: dict[str, Any]) -> Iterator[MockOSS]:
    """Yield a running mock, configured by ``mock_oss_options``; stop the mock after the test."""
    from mock_oss.server import MockOSS

    with MockOSS(**mock_oss_options) as oss:
        yield oss
