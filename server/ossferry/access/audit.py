"""The audit trail: one log line for each granted or refused request and for each action.

A line contains no secrets and no names of people. The principal appears as a keyed hash, and the
key prefix appears without its readable part. Of an access key id, only the last four characters
appear. The audit trail of Alibaba Cloud contains the same STS session names, so an operator can
match the entries of both audit trails.
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
from ossferry.http.problems import request_id
from ossferry.http.proxies import address_of
from ossferry.identity.owner import Owner, without_slug
from ossferry.observability.log_format import MAX_FIELD_LENGTH, logger
from ossferry.observability.redaction import Redactor
from ossferry.oss.sts import StsCredentials
from ossferry.settings.model import Settings
from ossferry.settings.secrets import secret_values

MODE = 0o640
"""The mode of a new file: other users of the machine cannot read it."""

AuditSink: TypeAlias = Callable[[dict[str, str]], None]
"""A function that writes one audit line."""

log = logger("ossferry.audit")


def _to_log(line: dict[str, str]) -> None:
    log.info(line.get("action", "grant"), **line)


class AuditFile:
    """A callable that appends one line to the audit file, given the line's fields as a dictionary.

    If log rotation has moved or deleted the file, the next call creates a new file at the same
    path. A call raises `AuditLostError` if the line cannot be written.

    Args:
        hide: returns the JSON text of a line without the secrets in it.

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
        """Append one audit line to the file, as JSON.

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
        """Close the file; ignore an error of the operating system."""
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
    """Return a function that writes audit lines to `settings.audit_file`, or else to the log.

    Raises:
        SettingsError: the file cannot be opened.
    """
    if settings.audit_file is None:
        return _to_log
    return AuditFile(settings.audit_file, Redactor(secret_values(settings)))


class Audit:
    """Writes lines to the audit trail.

    Methods that write a line raise `AuditLostError` if the line cannot be written.

    Args:
        sink: function that writes one line; by default the result of `audit_sink`.
    """

    def __init__(self, settings: Settings, *, clock: Clock, sink: AuditSink | None = None) -> None:
        self._clock = clock
        self._sink = sink or audit_sink(settings)
        self._is_well = False

    def issued(
        self,
        request: Request,
        principal: Owner,
        credentials: StsCredentials,
        *,
        outcome: str,
        action: str,
        folder: str = "",
    ) -> None:
        """Record that credentials were issued.

        Args:
            outcome: `issued` for new credentials, `reused` for earlier ones.
            action: `form` if the response contains a signed form; empty if the response contains
                the credentials.
            folder: the folder below the principal's prefix to which an application limits the
                credentials, with a slash at the end; empty if there is no limit.
        """
        self._write(
            {
                **self._who(request, principal),
                **_named(action),
                "outcome": outcome,
                "scope": without_slug(principal.prefix) + folder,
                "session": credentials.session_name,
                "expires_at": credentials.expires_at.isoformat(),
                "key_last4": credentials.access_key_id[-4:],
            }
        )

    def acted(
        self, request: Request, *, action: str, outcome: str, principal: Owner | None = None
    ) -> None:
        """Record that a principal's action was carried out or refused.

        Args:
            action: name of the action, such as `delete`; empty for a request for credentials.
            outcome: `done`, or the code of the error.
            principal: the principal; by default `request.state.principal`, which the gate has set
                if it could identify the principal.
        """
        self._write({**self._who(request, principal), **_named(action), "outcome": outcome})

    @contextmanager
    def refusals(self, request: Request, action: str) -> Iterator[None]:
        """Context manager that records an action as refused if its block raises an `OssferryError`.

        The error is raised again.

        Args:
            action: name of the action in the audit trail.
        """
        try:
            yield
        except OssferryError as error:
            self.acted(request, action=action, outcome=error.code)
            raise

    def managed(
        self, principal: str, *, action: str, outcome: str = "done", key_id: str = ""
    ) -> None:
        """Record an action that an operator carried out on the command line.

        Args:
            principal: hash of the principal to whom the API key or the shared object belongs.
            action: `apikey-create`, `apikey-revoke` or `share`.
            outcome: `done`, or the code of the error.
            key_id: id of the API key; empty for other actions.
        """
        line = {"at": self._clock().isoformat(), "principal": principal, "action": action}
        self._write({**line, **({"key_id": key_id} if key_id else {}), "outcome": outcome})

    def check(self) -> None:
        """Write a test line to the audit trail, unless the previous line was written successfully.

        Raises:
            AuditLostError: the audit trail cannot be written.
        """
        if not self._is_well:
            at = self._clock().isoformat()
            self._write({"at": at, "action": "readiness", "outcome": "done"})

    def close(self) -> None:
        """Close the audit file, if there is one."""
        if isinstance(self._sink, AuditFile):
            self._sink.close()

    def _write(self, line: dict[str, str]) -> None:
        self._is_well = False
        self._sink(line)
        self._is_well = True

    def _who(self, request: Request, principal: Owner | None = None) -> dict[str, str]:
        """Return the fields of a line about a request.

        Authentication stores the id of the API key, and the reason why a key is not valid, in the
        state of the request; the gate stores the principal there, and an administrator's action
        the upload that it is about.
        """
        principal = principal or getattr(request.state, "principal", None)
        known = {name: getattr(request.state, name, "") for name in ("key_id", "reason", "upload")}
        known["guest"] = principal.guest if principal else ""
        return {
            "at": self._clock().isoformat(),
            "request_id": request_id(request),
            "principal": principal.hash if principal else "",
            "address": address_of(request),
            **{name: value for name, value in known.items() if value},
        }
