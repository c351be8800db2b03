"""Dates in the formats of requests and responses, and the clock skew that OSS allows."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from mock_oss.clock import Clock
from mock_oss.errors import RefusedError

__all__ = ["MAX_SKEW_S", "check_skew", "iso_ms", "parse_gmt", "parse_v4_date"]

MAX_SKEW_S = 900


def iso_ms(timestamp_s: float) -> str:
    """Return seconds since the epoch as an ISO 8601 time with milliseconds, as OSS writes it."""
    moment = datetime.fromtimestamp(timestamp_s, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@lru_cache(maxsize=64)
def parse_v4_date(text: str) -> datetime | None:
    """Parse ``yyyymmddTHHMMSSZ``; return None for any other format."""
    if len(text) != 16 or not text.isascii():
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def parse_gmt(text: str) -> datetime | None:
    """Parse an HTTP date; return None for any other format."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def check_skew(moment: datetime, clock: Clock) -> None:
    """Raise RefusedError, with both times, if a request is more than 15 minutes off the clock."""
    skew_s = moment.timestamp() - clock.timestamp()
    if abs(skew_s) > MAX_SKEW_S:
        raise RefusedError(
            "RequestTimeTooSkewed",
            MaxAllowedSkewMilliseconds=MAX_SKEW_S * 1000,
            RequestTime=iso_ms(moment.timestamp()),
            ServerTime=iso_ms(clock.timestamp()),
            why={"kind": "clock", "client_minus_server_s": round(skew_s, 3)},
        )
