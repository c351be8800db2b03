"""One line per decision about a grant: who, what, until when, how it ended; never a secret.

The principal is a keyed hash and the key id its last four characters, so that a leaked log opens
nothing and still joins with the cloud's audit trail by session name.
"""

from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import Request

from ossferry.auth import Principal
from ossferry.clock import Clock
from ossferry.errors import OssferryError
from ossferry.grants import Issued
from ossferry.logs import logger
from ossferry.prefixes import principal_hash
from ossferry.problems import request_id
from ossferry.settings import Settings

__all__ = ["Audit", "AuditSink"]

AuditSink: TypeAlias = Callable[[dict[str, str]], None]

log = logger("ossferry.audit")


def _to_log(line: dict[str, str]) -> None:
    log.info("grant", **line)


class Audit:
    """Writes the audit lines."""

    def __init__(self, settings: Settings, *, clock: Clock, sink: AuditSink = _to_log) -> None:
        self._secret = settings.secret.get_secret_value().encode()
        self._clock = clock
        self._sink = sink

    def issued(self, request: Request, principal: Principal, issued: Issued) -> None:
        """Record a grant that was handed out."""
        grant = issued.grant
        self._sink(
            {
                **self._who(request, principal),
                "outcome": issued.outcome,
                "scope": grant.prefix,
                "session": grant.session_name,
                "expires_at": grant.credentials.expires_at.isoformat(),
                "key_last4": grant.credentials.access_key_id[-4:],
            }
        )

    def refused(self, request: Request, principal: Principal | None, error: OssferryError) -> None:
        """Record a grant that was not handed out."""
        self._sink({**self._who(request, principal), "outcome": error.code})

    def _who(self, request: Request, principal: Principal | None) -> dict[str, str]:
        return {
            "at": self._clock().isoformat(),
            "request_id": request_id(request),
            "principal": principal_hash(principal, secret=self._secret) if principal else "",
            "address": request.client.host if request.client else "",
        }
