"""The base class of all errors, and errors that only a change of the server's set-up can fix."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

__all__ = [
    "AuthorizationError",
    "CloudError",
    "MissingExtraError",
    "OssferryError",
    "PolicyError",
    "PrefixError",
    "SettingsError",
    "UsageError",
]


class OssferryError(Exception):
    """Base class of all errors; the class attributes describe the HTTP response."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "The server failed"
    retryable: ClassVar[bool] = False
    retry_after_s: int | None = None
    more: Mapping[str, object] = MappingProxyType({})
    """Additional members of the problem document."""

    @property
    def evidence(self) -> Mapping[str, str]:
        """The cause of the error as log fields, without secrets and without names of people."""
        return {"error": type(self).__name__}


class SettingsError(OssferryError):
    """Raised if the configuration is unsafe or incomplete; the message names the option."""

    @property
    def evidence(self) -> Mapping[str, str]:
        """The error message, as the log field `reason`."""
        return {"reason": str(self)}


class UsageError(SettingsError):
    """Raised if a command was called with wrong options; the message names the option."""


class MissingExtraError(SettingsError):
    """Raised if an optional package is not installed.

    Attributes:
        needed_by: the option or command that needs the package.
        command: the command that installs the package.
    """

    def __init__(self, needed_by: str, command: str) -> None:
        super().__init__(f"{needed_by} needs `{command}`.")
        self.needed_by = needed_by
        self.command = command


class CloudError(OssferryError):
    """Raised if a command cannot read or change the cloud account; the message says what to do.

    Args:
        code: error code of RAM, STS or OSS; empty if the service gave no usable answer.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.error_code = code


class AuthorizationError(OssferryError):
    """Raised if the application's function `authorize` returns a wrong value; see the message."""

    @property
    def evidence(self) -> Mapping[str, str]:
        """The error message, as the log field `reason`."""
        return {"reason": str(self)}


class PrefixError(OssferryError):
    """Raised if no safe key prefix can be built for a principal."""


class PolicyError(OssferryError):
    """Raised if a value cannot be part of a session policy, or the policy would be too long."""
