"""Runs the mock's own command line; beside `demo`, the only module that imports the mock."""

import mock_oss.cli

__all__ = ["run_mock"]


def run_mock(arguments: list[str]) -> None:
    """Run `ossferry mock-oss` with these arguments; it ends with SystemExit."""
    mock_oss.cli.app(arguments, prog_name="ossferry mock-oss")
