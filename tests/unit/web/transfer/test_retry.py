"""The rules for retries: number of tries, reasons to wait, and durations."""

import pytest

from ossferry_uploader.oss.errors import UNEXPECTED, Corrupt, Lost, Refused
from ossferry_uploader.transfer.errors import FileUnreadable, GrantRefused
from ossferry_uploader.transfer.grants.credentials import OTHER_PLACE
from ossferry_uploader.transfer.pacing.retry import (
    backoff_s,
    is_congestion,
    is_service_error,
    outage_s,
    retry_after,
    tries_for,
    waits_for,
)
from ossferry_uploader.transfer.states import FOR_LOGIN, FOR_NETWORK, FOR_QUOTA, FOR_SERVER


@pytest.mark.parametrize(
    ("failures", "bound_s"), [(0, 0.5), (1, 1), (2, 2), (5, 16), (6, 30), (10, 30), (1000, 30)]
)
def test_the_wait_is_random_below_a_bound_that_doubles_to_a_cap(failures, bound_s):
    assert backoff_s(failures, 0.0) == 0
    assert backoff_s(failures, 0.5) == bound_s / 2
    assert backoff_s(failures, 1.0) == bound_s


@pytest.mark.parametrize(("outages", "wait_s"), [(0, 0), (1, 0.5), (6, 3), (7, 3), (1000, 3)])
def test_an_outage_is_waited_for_in_steps_of_three_seconds_at_most(outages, wait_s):
    assert outage_s(outages) == wait_s


def test_what_the_other_side_asks_for_is_waited_up_to_five_minutes():
    assert backoff_s(1, 0.0, 20) == 20
    assert backoff_s(1, 1.0, 20) == 21
    assert backoff_s(1, 0.0, 99999) == 300
    assert outage_s(1, 20) == 20
    assert outage_s(1, 99999) == 300
    assert outage_s(1, 0) == 3


@pytest.mark.parametrize(
    ("error", "tries", "waits"),
    [
        (Lost(Lost.UNREACHABLE), 8, FOR_NETWORK),
        (Lost(Lost.INTERRUPTED), 8, ""),
        (Lost(Lost.CORS), 4, ""),
        (Lost(Lost.STALLED), 8, ""),
        (Refused("RequestTimeout", 408), 8, ""),
        (Refused("", 408), 8, ""),
        (Refused("SlowDown", 429), 8, ""),
        (Refused("InternalError", 500), 8, ""),
        (Refused(UNEXPECTED, 500), 8, ""),
        (Refused(UNEXPECTED, 502), 8, ""),
        (Refused("ServiceUnavailable", 503), 8, ""),
        (Refused(UNEXPECTED, 504), 8, ""),
        (Refused("InternalError", 200), 8, ""),  # of CompleteMultipartUpload
        (Refused("ServiceUnavailable", 200), 8, ""),
        (Refused("InvalidCRC64", 400), 8, ""),
        (Refused("InvalidDigest", 400), 8, ""),
        (Refused("IncompleteBody", 400), 8, ""),
        (Refused("RequestTimeout", 400), 8, ""),
        (Refused(UNEXPECTED, 200), 8, ""),  # a login page
        (Refused(UNEXPECTED, 299), 8, ""),
        (Refused(UNEXPECTED, 300), 1, ""),
        (Refused(UNEXPECTED, 302), 1, ""),
        (Refused("InvalidArgument", 400), 1, ""),
        (Refused("NotImplemented", 501), 1, ""),
        (Refused("AccessDenied", 403), 1, ""),
        (Refused("FileAlreadyExists", 409), 1, ""),
        (Corrupt("CRC-64", expected="1", actual="2", is_mismatch=True), 3, ""),
        (Corrupt("ETag", expected="ETag", actual="(no header)"), 1, ""),
        (GrantRefused(0), 1, FOR_SERVER),
        (GrantRefused(200), 1, FOR_SERVER),  # malformed
        (GrantRefused(200, code=OTHER_PLACE), 1, ""),
        (GrantRefused(500), 1, FOR_SERVER),
        (GrantRefused(500, code="internal-error"), 1, FOR_SERVER),
        (GrantRefused(503), 1, FOR_SERVER),
        (GrantRefused(504), 1, FOR_SERVER),
        (GrantRefused(502), 1, FOR_SERVER),
        (GrantRefused(502, code="sts-refused"), 1, ""),
        (GrantRefused(401), 1, FOR_LOGIN),
        (GrantRefused(429), 1, FOR_SERVER),
        (GrantRefused(429, code="quota-exceeded"), 1, FOR_QUOTA),
        (GrantRefused(403), 1, ""),
        (FileUnreadable("gone"), 1, ""),
        (FileUnreadable("the page was put aside", broken_off=True), 3, ""),
    ],
)
def test_each_error_has_its_class(error, tries, waits):
    assert (tries_for(error), waits_for(error)) == (tries, waits)


@pytest.mark.parametrize(
    ("error", "congestion", "service_error"),
    [
        (Refused("SlowDown", 429), True, False),
        (Refused("ServiceUnavailable", 503), True, True),
        (Refused("InternalError", 500), False, True),
        (Refused(UNEXPECTED, 502), False, True),
        (Refused("RequestTimeout", 408), False, False),
        (Refused("AccessDenied", 403), False, False),
        (Lost(Lost.STALLED), True, False),
        (Lost(Lost.INTERRUPTED), True, False),
        (Lost(Lost.UNREACHABLE), False, False),
        (Lost(Lost.CORS), False, False),
        (GrantRefused(503), False, False),
    ],
)
def test_fewer_connections_help_a_busy_oss_only(error, congestion, service_error):
    assert (is_congestion(error), is_service_error(error)) == (congestion, service_error)


def test_the_wait_that_the_other_side_asks_for_is_read_from_its_answer():
    assert retry_after(Refused("SlowDown", 429, retry_after_s=7)) == 7
    assert retry_after(GrantRefused(503, retry_after_s=8)) == 8
    assert retry_after(Refused("SlowDown", 429)) is None
    assert retry_after(Lost(Lost.STALLED)) is None
