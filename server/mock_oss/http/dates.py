"""Date formats of requests and responses, and the check of a client's clock skew."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from mock_oss.clock import Clock
from mock_oss.errors import RefusedError

MAX_SKEW = timedelta(minutes=15)


@lru_cache(maxsize=4096)
def iso(timestamp_s: int) -> str:
    """Return a time in the ISO 8601 format of STS and RAM: `2026-03-14T10:26:53Z`.

    Args:
        timestamp_s: the time in seconds since the epoch.
    """
    return f"{datetime.fromtimestamp(timestamp_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def iso_ms(timestamp_s: float) -> str:
    """Return a time in the ISO 8601 format of OSS: `2026-03-14T10:26:53.000Z`.

    Args:
        timestamp_s: the time in seconds since the epoch.
    """
    moment = datetime.fromtimestamp(timestamp_s, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@lru_cache(maxsize=64)
def parse_v4_date(text: str) -> datetime | None:
    """Return the UTC datetime for a text `yyyymmddTHHMMSSZ`, or None for any other format."""
    if len(text) != 16 or not text.isascii():
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def parse_gmt(text: str) -> datetime | None:
    """Return the UTC datetime for an HTTP date, or None for any other format."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def check_skew(moment: datetime, clock: Clock) -> None:
    """Raise RefusedError if a request's time differs from the mock's clock by more than 15 minutes.

    The error is RequestTimeTooSkewed. Its XML document contains both times.

    Args:
        moment: the time in the request.
        clock: the mock's clock.
    """
    skew = moment - clock.now()
    if abs(skew) > MAX_SKEW:
        raise RefusedError(
            "RequestTimeTooSkewed",
            MaxAllowedSkewMilliseconds=int(MAX_SKEW / timedelta(milliseconds=1)),
            RequestTime=iso_ms(moment.timestamp()),
            ServerTime=iso_ms(clock.timestamp()),
            why={"kind": "clock", "client_minus_server_s": round(skew.total_seconds(), 3)},
        )
