"""Random examples: few of them in `make test`, many in `make slow`."""

import pytest
from hypothesis import HealthCheck, settings

SAME = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
"""Settings of Hypothesis for tests whose examples take long and are the same in every run."""


def some_and_many(
    some: int, many: int, *, name: str = "examples", timeout_s: int = 1800
) -> pytest.MarkDecorator:
    """Run a test with some examples, and slowly with many.

    Args:
        name: the argument of the test that gets the number of examples.
        timeout_s: seconds that many examples may take.
    """
    slow = [pytest.mark.slow, pytest.mark.timeout(timeout_s)]
    return pytest.mark.parametrize(
        name, [pytest.param(some, id="some"), pytest.param(many, id="many", marks=slow)]
    )
