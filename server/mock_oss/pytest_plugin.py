"""The pytest plugin: fixtures with a new mock for every test, or one mock for all tests.

pytest loads this plugin automatically. To configure the mocks, a project overrides the fixtures
`mock_oss_options` and `mock_oss_session_options`. With pytest-xdist, each worker process has
its own mocks.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mock_oss.patching import InProcessMock
    from mock_oss.server import MockOSS

_SHARED = pytest.StashKey["MockOSS"]()


@pytest.fixture
def mock_oss_options() -> dict[str, Any]:
    """Return keyword arguments for `MockOSS`; override this fixture to configure the mock."""
    return {}


@pytest.fixture
def mock_oss(mock_oss_options: dict[str, Any]) -> "Iterator[MockOSS]":
    """Yield a running mock, configured by `mock_oss_options`; stop the mock after the test."""
    from mock_oss.server import MockOSS

    with MockOSS(**mock_oss_options) as oss:
        yield oss


@pytest.fixture
def mock_oss_in_process(mock_oss_options: dict[str, Any]) -> "Iterator[InProcessMock]":
    """Yield a mock without a port, which serves the vendor's hosts for the code in this process."""
    from mock_oss.patching import in_process

    with in_process(**mock_oss_options) as oss:
        yield oss


@pytest.fixture
def mock_oss_environment(mock_oss: "MockOSS") -> Iterator[dict[str, str]]:
    """Yield the dict `mock_oss.environment`, whose variables are set during the test.

    Other environment variables with access keys or tokens are removed during the test.
    """
    from mock_oss.environment import replaced_environment

    with replaced_environment(mock_oss.environment):
        yield mock_oss.environment


@pytest.fixture(scope="session")
def mock_oss_session_options() -> dict[str, Any]:
    """Return keyword arguments for the mock of `mock_oss_session`; override this fixture."""
    return {}


@pytest.fixture(scope="session")
def mock_oss_session(
    mock_oss_session_options: dict[str, Any], pytestconfig: pytest.Config
) -> "Iterator[MockOSS]":
    """Yield one mock for all tests; its initial state is restored before each test that uses it."""
    from mock_oss.server import MockOSS

    with MockOSS(**mock_oss_session_options) as oss:
        pytestconfig.stash[_SHARED] = oss
        yield oss
        del pytestconfig.stash[_SHARED]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Restore the initial state of the session's mock before a test that uses `mock_oss_session`.

    The hook runs before pytest sets up the fixtures of the test. It does nothing if the mock has
    not been started yet, and for other tests.
    """
    shared = item.config.stash.get(_SHARED, None)
    if shared is not None and "mock_oss_session" in getattr(item, "fixturenames", ()):
        shared.reset()
