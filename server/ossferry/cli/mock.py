"""The mock of OSS and STS for commands; it comes from the wheel `mock-oss`, or from the checkout.

Only this module and `ossferry.cli.demo` import the mock. This module does not import the server, so
the command `mock-oss` starts in less than a second. Call `require_mock` before the other functions.
"""

import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from ossferry.errors import SettingsError
from ossferry.extras import install_command, require_extra

if TYPE_CHECKING:
    from ossferry.settings.model import Settings


def require_mock(needed_by: str) -> None:
    """Raise an error unless the mock is installed, in the same version as the server.

    Args:
        needed_by: the option or command that needs the mock.

    Raises:
        SettingsError: the mock is missing, or has another version. The message says what to
            install.
    """
    require_extra("demo", module="mock_oss", needed_by=needed_by)
    try:
        found = version("mock-oss")
    except PackageNotFoundError:  # in a checkout, which contains both packages
        return
    if found != version("ossferry"):
        raise SettingsError(
            f"{needed_by} needs the mock in version {version('ossferry')}, but version {found} is"
            f" installed; run `{install_command('demo')}`."
        )


def refuse_unsafe_mock(settings: "Settings") -> None:
    """Raise an error if the settings allow a mock of OSS that the server cannot use safely.

    Raises:
        SettingsError: the mock is not installed, or `refuse_production` refuses it.
    """
    if settings.allow_mock:
        require_mock("OSSFERRY_ALLOW_MOCK=1")
        refuse_production(settings.host, option="OSSFERRY_HOST")


def refuse_production(host: str, *, option: str) -> None:
    """Raise an error if it is not safe to run a mock of OSS, because this may be production.

    It is not safe if environment variables name a production environment or real credentials, or if
    other machines can reach the mock.

    Args:
        host: address on which the mock listens.
        option: name of the option that sets the host, for the error message.

    Raises:
        SettingsError: it is not safe. The message contains the reason, and the name of the option
            that skips this check.
    """
    from mock_oss import environment
    from mock_oss.errors import UnsafeStartError

    try:
        environment.refuse_production(host, os.environ, option=option)
    except UnsafeStartError as error:
        raise SettingsError(f"{error}.") from error


def run_mock_oss(arguments: Sequence[str]) -> None:
    """Run the command `mock-oss` in this process, with these arguments, until it ends.

    Raises:
        SystemExit: always, with the exit code of the command.
    """
    from mock_oss.cli import main

    raise SystemExit(main(arguments, prog="ossferry mock-oss"))
