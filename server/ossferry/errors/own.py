"""The root of the tree, and the errors of who runs the server: the set-up has to change."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

__all__ = [
    "KillSwitchError",
    "OssferryError",
    "PolicyError",
    "PrefixError",
    "SettingsError",
]


class OssferryError(Exception):
    """Base of the tree; the class attributes say how HTTP shows the error."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "The server failed"
    retryable: ClassVar[bool] = False
    retry_after_s: int | None = None
    more: Mapping[str, object] = MappingProxyType({})
    """Members of the problem besides those that every problem has."""

    @property
    def evidence(self) -> Mapping[str, str]:
        """What the log is told of the reason; never a secret, never a name."""
        return {"error": type(self).__name__}


class SettingsError(OssferryError):
    """The configuration is unsafe or incomplete; one sentence names the option."""

    @property
    def evidence(self) -> Mapping[str, str]:
        """The sentence."""
        return {"reason": str(self)}


class KillSwitchError(OssferryError):
    """The kill switch could not be turned; one sentence says what to do."""


class PrefixError(OssferryError):
    """No safe key prefix can be made for this principal."""


class PolicyError(OssferryError):
    """No safe session policy can be made."""
