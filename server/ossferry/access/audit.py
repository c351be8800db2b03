"""One line per decision: who, what, until when, how it ended; never a secret, never a name.

The principal is a keyed hash, the scope its prefix without the readable part, and the key id its
last four characters, so that a leaked log opens nothing, names nobody, and still joins with the
cloud's audit trail by session name.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO, TypeAlias

from starlette.requests import Request

from ossferry.clock import Clock
from ossferry.errors import AuditLostError, OssferryError, SettingsError
from ossferry.grants.service import Issued
from ossferry.http.problems import request_id
from ossferry.identity.owner import nameless, principal_hash
from ossferry.identity.principal import Principal
from ossferry.observability.logs import MAX_FIELD_LENGTH, logger
from ossferry.observability.redaction import Redactor, secret_values
from ossferry.settings.model import Settings

__all__ = ["Audit", "AuditFile", "AuditSink"]

MODE = 0o640
"""Of a file that is made now: the rest of the machine does not read it."""

AuditSink: TypeAlias = Callable[[dict[str, str]], None]

log = logger("ossferry.audit")


def _to_log(line: dict[str, str]) -> None:
    log.info(line.get("action", "grant"), **line)


class AuditFile:
    """Appends lines to a file; what cannot be written down does not happen.

    When the file is moved away, as log rotation does, the lines go on in a new one.

    Raises:
        SettingsError: the file cannot be opened.
    """

    def __init__(self, path: Path, hide: Redactor) -> None:
        self._hide = hide
        self._path = path
        try:
            self._file = _opened(path)
        except OSError as error:
            raise SettingsError("OSSFERRY_AUDIT_FILE cannot be opened.") from error

    def __call__(self, line: dict[str, str]) -> None:
        """Append a line.

        Raises:
            AuditLostError: it was not written.
        """
        capped = {name: value[:MAX_FIELD_LENGTH] for name, value in line.items()}
        try:
            if self._was_moved():
                self.close()
                self._file = _opened(self._path)
            self._file.write(self._hide(json.dumps(capped)) + "\n")
        except OSError as error:
            raise AuditLostError("not-written") from error

    def close(self) -> None:
        """Close the file; what was not written was reported when it happened."""
        with suppress(OSError):
            self._file.close()

    def _was_moved(self) -> bool:
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return True


def _opened(path: Path) -> TextIO:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, MODE)
    return os.fdopen(handle, "a", encoding="utf-8", buffering=1)


def _named(action: str) -> dict[str, str]:
    return {"action": action} if action else {}


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
        self._is_well = False

    def issued(
        self, request: Request, principal: Principal, issued: Issued, *, action: str = ""
    ) -> None:
        """Record a grant that was handed out.

        Args:
            action: what it was handed out as; empty for the credentials themselves.
        """
        grant = issued.grant
        self._write(
            {
                **self._who(request, principal),
                **_named(action),
                "outcome": issued.outcome,
                "scope": nameless(grant.prefix),
                "session": grant.session_name,
                "expires_at": grant.credentials.expires_at.isoformat(),
                "key_last4": grant.credentials.access_key_id[-4:],
            }
        )

    def refused(
        self,
        request: Request,
        principal: Principal | None,
        error: OssferryError,
        *,
        action: str = "",
    ) -> None:
        """Record a grant that was not handed out."""
        self._write({**self._who(request, principal), **_named(action), "outcome": error.code})

    def acted(
        self, request: Request, principal: Principal | None, *, action: str, outcome: str
    ) -> None:
        """Record what somebody did, or tried to do."""
        self._write({**self._who(request, principal), "action": action, "outcome": outcome})

    @contextmanager
    def refusals(self, request: Request, action: str) -> Iterator[None]:
        """Record that something was not done, if what is inside says so."""
        try:
            yield
        except OssferryError as error:
            self.acted(request, None, action=action, outcome=error.code)
            raise

    def managed(self, principal: Principal, *, action: str, key_id: str) -> None:
        """Record what an operator did with somebody's API key."""
        line = {
            "at": self._clock().isoformat(),
            "principal": principal_hash(principal, secret=self._secret),
            "action": action,
            "key_id": key_id,
            "outcome": "done",
        }
        self._write(line)

    def check(self) -> None:
        """Return if the last line was written, or if another one can be.

        Raises:
            AuditLostError: no decision can be recorded.
        """
        if not self._is_well:
            at = self._clock().isoformat()
            self._write({"at": at, "action": "readiness", "outcome": "done"})

    def close(self) -> None:
        """Close what was opened."""
        if isinstance(self._sink, AuditFile):
            self._sink.close()

    def _write(self, line: dict[str, str]) -> None:
        self._is_well = False
        self._sink(line)
        self._is_well = True

    def _who(self, request: Request, principal: Principal | None) -> dict[str, str]:
        return {
            "at": self._clock().isoformat(),
            "request_id": request_id(request),
            "principal": principal_hash(principal, secret=self._secret) if principal else "",
            "address": request.client.host if request.client else "",
        }
