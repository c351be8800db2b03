"""Convert times between seconds since 1970 (UTC) and the text formats of OSS and HTTP."""

import time

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def iso_basic(at_s: float) -> str:
    """Return a time in the format of `x-oss-date`, such as `20260314T092653Z`.

    Args:
        at_s: the time in seconds since 1970.
    """
    # Half a millisecond more: a sum of floats may be slightly less than a whole second.
    year, month, date, hour, minute, second = time.gmtime(int(at_s + 0.0005))[:6]
    return f"{year:04d}{month:02d}{date:02d}T{hour:02d}{minute:02d}{second:02d}Z"


def day(at_s: float) -> str:
    """Return the UTC date of a time in seconds since 1970, such as `2026-03-14`."""
    year, month, date = time.gmtime(int(at_s))[:3]
    return f"{year:04d}-{month:02d}-{date:02d}"


def to_iso(at_s: float) -> str:
    """Return a time in seconds since 1970 as an ISO 8601 time such as `2026-03-14T09:26:53Z`."""
    year, month, date, hour, minute, second = time.gmtime(int(at_s))[:6]
    return f"{year:04d}-{month:02d}-{date:02d}T{hour:02d}:{minute:02d}:{second:02d}Z"


def from_iso(text: str) -> float:
    """Return the seconds since 1970 for an ISO 8601 time such as `2026-03-14T09:26:53Z`.

    The seconds may have a fraction.

    Raises:
        ValueError: the text has another format.
    """
    if len(text) < 20 or text[10] != "T" or text[-1] != "Z":
        raise ValueError(f"not a UTC time like 2026-03-14T09:26:53Z: {text[:40]}")
    year, month, date = int(text[0:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), float(text[17:-1])
    return _days_since_1970(year, month, date) * 86400 + hour * 3600 + minute * 60 + second


def from_http(text: str) -> float:
    """Return the seconds since 1970 for an HTTP date such as `Sat, 14 Mar 2026 09:26:53 GMT`.

    The headers `Date` and `Retry-After` have this format.

    Raises:
        ValueError: the text has another format.
    """
    words = text.replace(":", " ").split()
    if len(words) != 8 or words[7] != "GMT" or words[2] not in MONTHS:
        raise ValueError(f"not a time of HTTP: {text[:40]}")
    year, month, date = int(words[3]), MONTHS.index(words[2]) + 1, int(words[1])
    hour, minute, second = int(words[4]), int(words[5]), int(words[6])
    return float(_days_since_1970(year, month, date) * 86400 + hour * 3600 + minute * 60 + second)


def _days_since_1970(year: int, month: int, date: int) -> int:
    """Return the number of days from 1970-01-01 to this date of the proleptic Gregorian calendar.

    In the computation each year begins in March, so that a leap day is the last day of a year.
    """
    year -= month <= 2
    era_year = year % 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + date - 1
    day_of_era = era_year * 365 + era_year // 4 - era_year // 100 + day_of_year
    return (year // 400) * 146097 + day_of_era - 719468
