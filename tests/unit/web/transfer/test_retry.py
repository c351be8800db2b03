"""The rules for retries: number of tries, reasons to wait, and durations."""

import pytest

from uploader.oss.errors import Corrupt, Lost, Refused
from uploader.transfer.errors import FileUnreadable, GrantRefused
from uploader.transfer.grants.credentials import OTHER_PLACE
from uploader.transfer.pacing.retry import CAP_S, backoff_s, outage_s, tries_for, waits_for
from uploader.transfer.states import FOR_LOGIN, FOR_NETWORK, FOR_QUOTA, FOR_SERVER


@pytest.mark.parametrize("failures", [1, 2, 5, 10, 1000])
def test_the_wait_is_random_below_a_bound_that_doubles_to_a_cap(failures):
    bound = min(CAP_S, 0.5 * 2 ** min(failures, 10))

    assert backoff_s(failures, 0.0) == 0
    assert backoff_s(failures, 0.5) == bound / 2
    assert backoff_s(failures, 0.999) < bound


def test_what_the_other_side_asks_for_is_waited_up_to_five_minutes():
    assert backoff_s(1, 0.0, 20) == 20
    assert backoff_s(1, 0.0, 99999) == 300
    assert outage_s(1, 20) == 20
    assert outage_s(1, 0) == 3


@pytest.mark.parametrize(
    ("error", "tries", "waits"),
    [
        (Lost(Lost.UNREACHABLE), 8, FOR_NETWORK),
        (Lost(Lost.INTERRUPTED), 8, ""),
        (Lost(Lost.CORS), 4, ""),
        (Refused("InternalError", 500), 8, ""),
        (Refused("SlowDown", 429), 8, ""),
        (Refused("AccessDenied", 403), 1, ""),
        (Refused("FileAlreadyExists", 409), 1, ""),
        (Corrupt("CRC-64", expected="1", actual="2", is_mismatch=True), 3, ""),
        (Corrupt("ETag", expected="ETag", actual="(no header)"), 1, ""),
        (GrantRefused(0), 1, FOR_SERVER),
        (GrantRefused(200), 1, FOR_SERVER),  # malformed
        (GrantRefused(200, code=OTHER_PLACE), 1, ""),
        (GrantRefused(503), 1, FOR_SERVER),
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
