"""Percent-encoding and times, which MicroPython's library lacks."""

import pytest

from ossferry_uploader.oss.encoding import percent_encode
from ossferry_uploader.oss.times import day, from_http, from_iso, iso_basic, to_iso


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("azAZ09-_.~", "azAZ09-_.~"),
        (" ", "%20"),
        (" +#%&?'\"!*()/", "%20%2B%23%25%26%3F%27%22%21%2A%28%29%2F"),
        ("é漢🌻", "%C3%A9%E6%BC%A2%F0%9F%8C%BB"),
    ],
)
def test_everything_but_unreserved_characters_is_encoded(text, encoded):
    assert percent_encode(text) == encoded


def test_safe_characters_stay():
    assert percent_encode("a/b c", safe="/") == "a/b%20c"


@pytest.mark.parametrize(
    ("text", "at_s"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T12:00:00Z", 951825600),
        ("2026-03-14T09:26:53Z", 1773480413),
        ("2026-03-14T09:26:53.250Z", 1773480413.25),
        ("2100-03-01T00:00:00Z", 4107542400),
    ],
)
def test_iso_times_are_read(text, at_s):
    assert from_iso(text) == at_s


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-14", "2026-03-14 09:26:53Z"])
def test_other_times_are_refused(text):
    with pytest.raises(ValueError, match="not a UTC time"):
        from_iso(text)


def test_times_are_written_as_oss_wants_them():
    assert iso_basic(1773480413.9) == "20260314T092653Z"
    assert iso_basic(1773480413.9996) == "20260314T092654Z"  # of a sum of floats
    assert iso_basic(1773480413.9994) == "20260314T092653Z"
    assert day(1773480413.9) == "2026-03-14"


@pytest.mark.parametrize("year", [1972, 1999, 2000, 2024, 2038, 2099, 2100, 2101])
def test_the_days_of_each_month_follow_each_other(year):
    days = [from_iso(f"{year}-{month:02d}-01T00:00:00Z") / 86400 for month in range(1, 13)]
    is_leap = year % 400 == 0 or (year % 4 == 0 and year % 100 != 0)

    lengths = [days[month] - days[month - 1] for month in range(1, 12)]
    assert lengths == [31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30]
    assert from_iso(f"{year}-12-31T00:00:00Z") / 86400 - days[11] == 30


@pytest.mark.parametrize(
    "text",
    [
        "Sat, 14 Mar 2026 09:26:53 UTC",
        "Sat, 14 Foo 2026 09:26:53 GMT",
        "Sat, 14 Mar 2026 09:26:53 GMT now",
    ],
)
def test_another_time_of_http_is_refused(text):
    with pytest.raises(ValueError, match="not a time of HTTP: Sat, 14"):
        from_http(text)


def test_a_time_is_written_as_iso_text():
    assert to_iso(1773480413.9) == "2026-03-14T09:26:53Z"
