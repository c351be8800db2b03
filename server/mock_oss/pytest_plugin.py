"""The ``mock_oss`` fixture: a fresh mock for every test that asks for one.

Installed with the package; a project can override ``mock_oss_options`` to change the world.
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
    """Keyword arguments for ``MockOSS``; override it to get another world."""
    return {}


@pytest.fixture
def mock_oss(mock_oss_options: dict[str, Any]) -> Iterator[MockOSS]:
    """A running mock with the default world, gone after the test."""
    from mock_oss.server import MockOSS

    with MockOSS(**mock_oss_options) as oss:
        yield oss
