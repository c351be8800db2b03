"""Structured logging: one JSON object per line, through the standard library's loggers.

Only this project's programs call `configure`; an application that embeds the server keeps its own
handlers. Never log a secret, a token, an `Authorization` header or the query of a URL. As an
additional protection, this module redacts secrets in log lines, including lines of libraries.
"""

import json
import logging
import ssl
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

import structlog

from ossferry.observability.redaction import Redactor

MAX_FIELD_LENGTH = 300
MAX_FRAMES = 8

TALKATIVE = ("alembic", "apscheduler", "httpx", "httpcore", "darabonba-core", "oss2", "urllib3")
"""Libraries that log URLs with queries, headers, or internal details; only warnings are kept."""

LOOKS_ONLY = Redactor()


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger with this name; it writes each message as one JSON object."""
    bound: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _cap_fields,
            structlog.processors.JSONRenderer(),
            _hide,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return bound


def unexpected(error: Exception) -> dict[str, object]:
    """Return log fields for an unexpected exception: its type and the last stack frames.

    The exception's message is left out, because it may contain secrets.
    """
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "where": where}


def cause_of(error: BaseException) -> str:
    """Return a short reason why a connection failed, for the log.

    The reason is the error text of TLS or of the operating system, or else the name of the
    exception's type. Messages of libraries are left out, because they may contain secrets.
    """
    found = type(error).__name__
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted: {seen.verify_message}"
        if isinstance(seen, OSError) and seen.errno is not None:
            found = f"{type(seen).__name__}: {seen.strerror}"
        seen = seen.__cause__ or seen.__context__
    return found


def configure(level: str, stream: TextIO | None = None, *, secrets: Iterable[str] = ()) -> None:
    """Write all log records of at least `level` to one stream as JSON lines.

    Args:
        stream: by default stderr.
        secrets: values that are redacted in every line.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLines(Redactor(secrets)))
    handler.setLevel(level)  # libraries set levels of their own loggers
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a failing stream must not print the record


def hush(*names: str) -> None:
    """Remove the handlers of libraries' loggers, and redact secrets in their log records.

    A library's own handlers would write secrets. After their removal, the root logger's handlers
    write the redacted records.

    Args:
        names: names of the loggers.
    """
    for name in names:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.addFilter(_hide_in_record)


class _JsonLines(logging.Formatter):
    """Formats log records as JSON lines with secrets redacted.

    Records of this project are already JSON; records of libraries are converted to JSON.
    """

    def __init__(self, hide: Redactor) -> None:
        super().__init__()
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.name.startswith("ossferry."):
            return self._hide(message)
        line = {
            "event": self._hide(message)[:MAX_FIELD_LENGTH],
            "level": record.levelname.lower(),
            "logger": record.name,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)


def _hide_in_record(record: logging.LogRecord) -> bool:
    record.msg, record.args, record.exc_info = LOOKS_ONLY(record.getMessage()), (), None
    return True


def _cap_fields(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {
        name: value[:MAX_FIELD_LENGTH] if isinstance(value, str) else value
        for name, value in event.items()
    }


def _hide(_logger: object, _method: str, line: object) -> str:
    return LOOKS_ONLY(str(line))
