"""What both SDKs have in common: HTTP connections, and the meaning of errors and answers of OSS.

Both SDKs send requests with `requests`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol, TypeVar
from urllib.parse import unquote

from requests import Session
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from ossferry.errors import OssDomainError, OssEndpointError, OssLostError, OssRefusedError

__all__ = [
    "ADDRESS_REFUSALS",
    "MAX_CALLS",
    "METADATA",
    "SYMLINK",
    "http_session",
    "metadata_of",
    "moment",
    "ours",
    "refusal",
    "version_of",
]

MAX_CALLS = 64
"""Concurrent calls to OSS, and open connections; further calls wait."""

METADATA = "x-oss-meta-"

SYMLINK = "Symlink"
"""The type that OSS gives to a symlink, in lists and in `x-oss-object-type`."""

ADDRESS_REFUSALS: Mapping[str, type[OssEndpointError]] = {
    "PublicEndpointForbidden": OssEndpointError,
    "NonStandardHostForbidden": OssDomainError,
}
"""Maps OSS's codes for an address that it does not serve to error classes."""


class Answer(Protocol):
    """A parsed answer of OSS."""

    request_id: str


A = TypeVar("A", bound=Answer)


def http_session(address: str) -> Session:
    """Return an HTTP session for OSS; a proxy in the environment variables is used.

    The variables are read only once. Otherwise `requests` would read them for each request, and
    would also read credentials from `~/.netrc`.
    """
    session = Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=MAX_CALLS, pool_maxsize=MAX_CALLS))
    session.proxies.update(get_environ_proxies(address))
    session.trust_env = False
    return session


def refusal(
    status: int, code: str, request_id: str, ec: str = ""
) -> OssRefusedError | OssLostError:
    """Convert an error answer to the matching exception.

    Status 5xx and clock skew are temporary (`OssLostError`). Every answer of OSS has a request id;
    an answer without one is from a proxy. All other errors are refusals.
    """
    code = code or f"status-{status}"
    if status >= 500 or code == "RequestTimeTooSkewed":
        return OssLostError(code)
    if not request_id:
        return OssLostError("unreadable")
    return ADDRESS_REFUSALS.get(code, OssRefusedError)(code, request_id, ec)


def ours(answer: A) -> A:
    """Return an answer unchanged after checking that it comes from OSS.

    Every answer of OSS has a request id.

    Raises:
        ValueError: the answer has no request id.
    """
    if not answer.request_id:
        raise ValueError("not an answer of OSS")
    return answer


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of an object by their names without `METADATA`, in lower case.

    The values are percent-decoded, because headers have ASCII characters only, and the page encodes
    all others.
    """
    return {
        name.lower().removeprefix(METADATA): unquote(value)
        for name, value in headers.items()
        if name.lower().startswith(METADATA)
    }


def version_of(headers: Mapping[str, str]) -> str:
    """Return the version id of an object; empty for ``null``, which OSS may overwrite."""
    version = headers.get("x-oss-version-id", "")
    return "" if version == "null" else version


def moment(timestamp: float) -> datetime:
    """Convert seconds since 1970 to a timezone-aware time in UTC."""
    return datetime.fromtimestamp(timestamp, UTC)
