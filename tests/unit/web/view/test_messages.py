"""Every error has a sentence, a next step and, where there is one, its evidence."""

import pytest

from uploader.oss.errors import Corrupt, Lost, Refused
from uploader.oss.replies import NO_HEADER
from uploader.transfer.errors import FileTooLarge, FileUnreadable, GrantRefused, TooManyFiles
from uploader.view.messages import explain

ERRORS = [
    (Lost(Lost.UNREACHABLE), "cannot be reached"),
    (Lost(Lost.INTERRUPTED), "connection broke"),
    (Lost(Lost.STALLED), "Nothing moved"),
    (Lost(Lost.CORS), "CORS rule is missing"),
    (Refused("AccessDenied", 403, request_id="R1"), "may not write there"),
    (Refused("RequestTimeTooSkewed", 403, request_id="R1"), "time of this request"),
    (Refused("SecurityTokenExpired", 403, request_id="R1"), "permission of this page"),
    (Refused("SignatureDoesNotMatch", 403, request_id="R1"), "signature"),
    (Refused("NoSuchBucket", 404, request_id="R1"), "does not exist"),
    (Refused("UserDisable", 403, request_id="R1"), "switched off"),
    (Refused("InternalError", 500, request_id="R1"), "busy or has a fault"),
    (Refused("UnexpectedAnswer", 200, request_id="R1"), "Something else answered"),
    (Refused("EntityTooLarge", 400, request_id="R1"), "refused this file"),
    (Corrupt("CRC-64", expected="1", actual="2", request_id="R1"), "not what was sent"),
    (Corrupt("ETag", expected="ETag", actual=NO_HEADER, request_id="R1"), "may not see the proof"),
    (FileUnreadable("NotReadableError"), "cannot be read"),
    (FileTooLarge(2_000_000, 1_000_000), "2.0\u00a0MB; up to 1.0\u00a0MB"),
    (TooManyFiles(100), "up to 100"),
    (GrantRefused(200, detail="the grant is malformed"), "Something else answered"),
    (GrantRefused(0), "does not answer"),
    (GrantRefused(401, id="7"), "not signed in"),
    (GrantRefused(403, id="7"), "may not upload"),
    (GrantRefused(503, code="sts-unavailable", id="7"), "right now"),
    (GrantRefused(502, code="sts-refused", id="7"), "The cloud refuses"),
    (GrantRefused(500, id="7"), "gave no permission"),
    (ZeroDivisionError("x"), "went wrong"),
]


@pytest.mark.parametrize(("error", "words"), ERRORS)
def test_each_error_is_explained(error, words):
    told = explain(error, origin="https://app.example")

    assert words in told.sentence
    assert told.next_step.endswith(".")


@pytest.mark.parametrize(
    "error", [error for error, _ in ERRORS if getattr(error, "request_id", "")]
)
def test_the_request_id_is_shown_for_support(error):
    assert "R1" in explain(error, origin="").detail


def test_missing_cors_rule_is_told_with_what_to_add():
    told = explain(Lost(Lost.CORS), origin="https://app.example")

    assert "source https://app.example" in told.next_step
    assert "x-oss-hash-crc64ecma" in told.next_step


def test_hidden_header_is_named():
    error = Corrupt("ETag", expected="ETag", actual=NO_HEADER)

    assert "expose the header ETag" in explain(error, origin="").next_step
