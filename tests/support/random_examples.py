"""Settings of Hypothesis for tests whose examples take long and are the same in every run."""

from hypothesis import HealthCheck, settings

SAME = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
