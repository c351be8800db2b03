"""Logs: one JSON object per line for any value, without the text of libraries' exceptions."""

import io
import json
import logging
from datetime import UTC, datetime

import pytest

from ossferry.observability.log_format import configure, logger


@pytest.fixture
def stream() -> io.StringIO:
    """The stream of the configured log."""
    stream = io.StringIO()
    configure("INFO", stream)
    return stream


def test_t26_a_line_stays_one_line(stream: io.StringIO) -> None:
    logger("ossferry.test").info("event", name='\r\n{"event":"forged"}\x1b[31m', long="x" * 1000)

    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert record["name"] == '\r\n{"event":"forged"}\x1b[31m'
    assert len(record["long"]) == 300
    assert "\x1b" not in line
    assert (record["level"], record["logger"]) == ("info", "ossferry.test")


def test_a_level_below_the_configured_one_is_not_written(stream: io.StringIO) -> None:
    logger("ossferry.test").debug("event")

    assert stream.getvalue() == ""


def test_t25_a_librarys_error_is_named_but_not_quoted(stream: io.StringIO) -> None:
    try:
        raise ValueError("canary-secret")
    except ValueError:
        logging.getLogger("library").exception("went wrong")

    record = json.loads(stream.getvalue())
    assert (record["event"], record["error"]) == ("went wrong", "ValueError")
    assert datetime.fromisoformat(record["time"]).tzinfo == UTC
    assert "canary" not in stream.getvalue()
