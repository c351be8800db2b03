"""The audit trail: one line for each decision, without secrets and without names.

A line has the keyed hash of the principal, the key prefix without its readable part, and the last
four characters of the access key id. A leaked log therefore gives no access and identifies nobody.
The session name joins a line with the audit trail of the cloud.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO, TypeAlias

from starlette.requests import Request

from ossferry.clock import Clock
from ossferry.errors import AuditLostError, OssferryError, SettingsError
from ossferry.http.problems import request_id
from ossferry.http.proxies import address_of
from ossferry.identity.owner import Owner, without_slug
from ossferry.observability.logs import MAX_FIELD_LENGTH, logger
from ossferry.observability.redaction import Redactor
from ossferry.settings.model import Settings
from ossferry.settings.secrets import secret_values

__all__ = ["Audit", "AuditFile", "AuditSink"]

MODE = 0o640
"""The mode of a new file: other users of the machine cannot read it."""

AuditSink: TypeAlias = Callable[[dict[str, str]], None]
"""A function that writes one audit line."""

log = logger("ossferry.audit")


def _to_log(line: dict[str, str]) -> None:
    log.info(line.get("action", "grant"), **line)


class AuditFile:
    """Appends audit lines to a file.

    If log rotation moves the file away, the following lines go to a new file.

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
            AuditLostError: the line was not written; the caller must not carry out the action.
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
        """Close the file; errors of earlier writes have been raised already."""
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
    """Return the sink of the settings: the audit file, or the log without one."""
    if settings.audit_file is None:
        return _to_log
    return AuditFile(settings.audit_file, Redactor(secret_values(settings)))


class Audit:
    """Writes the audit lines.

    Args:
        sink: where lines go; by default as `OSSFERRY_AUDIT_FILE` says.
    """

    def __init__(self, settings: Settings, *, clock: Clock, sink: AuditSink | None = None) -> None:
        self._clock = clock
        self._sink = sink or audit_sink(settings)
        self._is_well = False

    def issued(
        self,
        request: Request,
        owner: Owner,
        *,
        outcome: str,
        session_name: str,
        access_key_id: str,
        expires_at: datetime,
        action: str = "",
    ) -> None:
        """Record an issued grant.

        Args:
            outcome: ``issued`` for new credentials, ``reused`` for earlier ones.
            session_name: the STS session, which the cloud's audit trail also has.
            action: the form in which the grant was issued; empty for the credentials themselves.
        """
        self._write(
            {
                **self._who(request, owner),
                **_named(action),
                "outcome": outcome,
                "scope": without_slug(owner.prefix),
                "session": session_name,
                "expires_at": expires_at.isoformat(),
                "key_last4": access_key_id[-4:],
            }
        )

    def refused(
        self,
        request: Request,
        owner: Owner | None,
        error: OssferryError,
        *,
        action: str = "",
    ) -> None:
        """Record a refused request for a grant; `owner` is None for an unidentified sender."""
        self._write({**self._who(request, owner), **_named(action), "outcome": error.code})

    def acted(self, request: Request, owner: Owner | None, *, action: str, outcome: str) -> None:
        """Record an action, or the attempt at one.

        Args:
            owner: the sender of the request; None for an unidentified sender.
            outcome: ``done``, or the code of the error.
        """
        self._write({**self._who(request, owner), "action": action, "outcome": outcome})

    @contextmanager
    def refusals(self, request: Request, action: str) -> Iterator[None]:
        """Record an action as refused if the block raises an `OssferryError`."""
        try:
            yield
        except OssferryError as error:
            self.acted(request, None, action=action, outcome=error.code)
            raise

    def managed(self, principal: str, *, action: str, key_id: str) -> None:
        """Record an operator's change of an API key.

        Args:
            principal: the hash of the principal that the key belongs to.
        """
        line = {
            "at": self._clock().isoformat(),
            "principal": principal,
            "action": action,
            "key_id": key_id,
            "outcome": "done",
        }
        self._write(line)

    def check(self) -> None:
        """Return if the last line was written; otherwise try to write another line.

        Raises:
            AuditLostError: the audit trail cannot be written.
        """
        if not self._is_well:
            at = self._clock().isoformat()
            self._write({"at": at, "action": "readiness", "outcome": "done"})

    def close(self) -> None:
        """Close the audit file."""
        if isinstance(self._sink, AuditFile):
            self._sink.close()

    def _write(self, line: dict[str, str]) -> None:
        self._is_well = False
        self._sink(line)
        self._is_well = True

    def _who(self, request: Request, owner: Owner | None) -> dict[str, str]:
        return {
            "at": self._clock().isoformat(),
            "request_id": request_id(request),
            "principal": owner.hash if owner else "",
            "address": address_of(request),
        }
