"""Runs the mock's own command line, and asks its guard; beside `demo` alone in importing the mock.

Each function loads what it needs when it is called.
"""

import os

from ossferry.errors import SettingsError

__all__ = ["refuse_production", "run_mock"]


def run_mock(arguments: list[str]) -> None:
    """Run `ossferry mock-oss` with these arguments; it ends with SystemExit."""
    import mock_oss.cli

    mock_oss.cli.app(arguments, prog_name="ossferry mock-oss")


def refuse_production(host: str, *, option: str) -> None:
    """Refuse to run with a mock where that could be taken for the cloud.

    Args:
        host: the address to listen on.
        option: what sets it.

    Raises:
        SettingsError: one sentence with the reason, and with the option that overrides it.
    """
    from mock_oss.errors import UnsafeStartError
    from mock_oss.production import refuse_production as refuse

    try:
        refuse(host, os.environ, option=option)
    except UnsafeStartError as error:
        raise SettingsError(f"{error}.") from error
