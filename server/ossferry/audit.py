"""One line per decision about a grant: who, what, until when, how it ended; never a secret.

The principal is a keyed hash and the key id its last four characters, so that a leaked log opens
nothing and still joins with the cloud's audit trail by session name.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from starlette.requests import Request

from ossferry.auth import Principal
from ossferry.clock import Clock
from ossferry.errors import AuditLostError, OssferryError, SettingsError
from ossferry.grants import Issued
from ossferry.logs import MAX_FIELD_LENGTH, logger
from ossferry.prefixes import principal_hash
from ossferry.problems import request_id
from ossferry.redaction import Redactor, secret_values
from ossferry.settings import Settings

__all__ = ["Audit", "AuditFile", "AuditSink"]

AuditSink: TypeAlias = Callable[[dict[str, str]], None]

log = logger("ossferry.audit")


def _to_log(line: dict[str, str]) -> None:
    log.info("grant", **line)


class AuditFile:
    """Appends lines to a file; what cannot be written down does not happen.

    Raises:
        SettingsError: the file cannot be opened.
    """

    def __init__(self, path: Path, hide: Redactor) -> None:
        self._hide = hide
        try:
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise SettingsError("OSSFERRY_AUDIT_FILE cannot be opened.") from error

    def __call__(self, line: dict[str, str]) -> None:
        """Append a line.

        Raises:
            AuditLostError: it was not written.
        """
        capped = {name: value[:MAX_FIELD_LENGTH] for name, value in line.items()}
        try:
            self._file.write(self._hide(json.dumps(capped)) + "\n")
        except OSError as error:
            raise AuditLostError("not-written") from error

    def close(self) -> None:
        """Close the file; what was not written was reported when it happened."""
        with suppress(OSError):
            self._file.close()


def audit_sink(settings: Settings) -> AuditSink:
    """Return where the settings want audit lines."""
    if settings.audit_file is None:
        return _to_log
    return AuditFile(settings.audit_file, Redactor(secret_values(settings)))


class Audit:
    """Writes the audit lines."""

    def __init__(self, settings: Settings, *, clock: Clock, sink: AuditSink | None = None) -> None:
        self._secret = settings.secret_bytes
        self._clock = clock
        self._sink = sink or audit_sink(settings)

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

    def close(self) -> None:
        """Close what was opened."""
        if isinstance(self._sink, AuditFile):
            self._sink.close()

    def _who(self, request: Request, principal: Principal | None) -> dict[str, str]:
        return {
            "at": self._clock().isoformat(),
            "request_id": request_id(request),
            "principal": principal_hash(principal, secret=self._secret) if principal else "",
            "address": request.client.host if request.client else "",
        }
