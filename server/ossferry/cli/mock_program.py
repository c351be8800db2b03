"""Access to the mock's own command line and to its safety check.

Only this module and `demo` import the mock. Each function imports its dependencies when it is
called.
"""

import os

from ossferry.errors import SettingsError

__all__ = ["refuse_production", "run_mock"]


def run_mock(arguments: list[str]) -> None:
    """Run `ossferry mock-oss` with these arguments; it ends with SystemExit."""
    import mock_oss.cli

    mock_oss.cli.app(arguments, prog_name="ossferry mock-oss")


def refuse_production(host: str, *, option: str) -> None:
    """Refuse to run a mock in an environment that looks like production.

    Args:
        host: the address to listen on.
        option: name of the option that sets the host, for the error message.

    Raises:
        SettingsError: the message has the reason, and the option that overrides the check.
    """
    from mock_oss.errors import UnsafeStartError
    from mock_oss.production import refuse_production as refuse

    try:
        refuse(host, os.environ, option=option)
    except UnsafeStartError as error:
        raise SettingsError(f"{error}.") from error
