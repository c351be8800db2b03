"""Errors of OSS know the repair that a request needs before its next try."""

import pytest

from ossferry_uploader.oss.errors import RENEW_CREDENTIALS, SET_CLOCK, Corrupt, Lost, Refused


@pytest.mark.parametrize(
    ("code", "server_time_s", "repair"),
    [
        ("SecurityTokenExpired", None, RENEW_CREDENTIALS),
        ("InvalidSecurityToken", None, RENEW_CREDENTIALS),
        ("AccessKeyIdAndSecurityTokenNotMatch", None, RENEW_CREDENTIALS),
        ("InvalidAccessKeyId", None, RENEW_CREDENTIALS),
        ("RequestTimeTooSkewed", 1.0, SET_CLOCK),
        ("RequestTimeTooSkewed", 0.0, SET_CLOCK),
        ("RequestTimeTooSkewed", None, ""),
        ("AccessDenied", 1.0, ""),
        ("SignatureDoesNotMatch", 1.0, ""),
    ],
)
def test_each_code_has_its_repair(code, server_time_s, repair):
    assert Refused(code, 403, server_time_s=server_time_s).repair == repair


@pytest.mark.parametrize(
    ("code", "message", "is_wrong_endpoint"),
    [
        ("AccessDenied", "Address it by using the specified endpoint.", True),
        ("AccessDenied", "You have no right to access this object.", False),
        ("InvalidBucketName", "Address it by using the specified endpoint.", False),
    ],
)
def test_another_region_is_known_by_code_and_message(code, message, is_wrong_endpoint):
    assert Refused(code, 403, message=message).is_wrong_endpoint is is_wrong_endpoint


def test_an_error_shows_what_is_known_and_nothing_more():
    refused = Refused("AccessDenied", 403)
    corrupt = Corrupt("ETag", expected="1", actual="2")

    assert str(refused) == "AccessDenied (403):  []"
    assert (refused.message, refused.request_id, refused.ec) == ("", "", "")
    assert refused.canonical_request == ""
    assert str(corrupt) == "ETag: expected 1, got 2"
    assert (corrupt.request_id, corrupt.is_mismatch) == ("", False)
    assert refused.request is Lost(Lost.CORS).request is None
