"""The times at which a signature begins and ends to be valid, to the second."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import alibabacloud_oss_v2 as oss_v2
import oss2
import pytest

from contract.mock_oss.clients import REGION, Answer, send, signed_headers
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, Clock, MockOSS
from mock_oss.signing import v1, v4

NOON = datetime.fromisoformat("2026-11-28T12:00:00Z")
WEEK_S = 604_800
KEY = "a"


@pytest.fixture
def oss() -> Iterator[MockOSS]:
    """A mock whose clock stands still at noon."""
    with MockOSS(clock=Clock(NOON, frozen=True)) as oss:
        yield oss


def at(moment: datetime) -> Clock:
    return Clock(moment, frozen=True)


def v4_header(oss: MockOSS, moment: datetime) -> Answer:
    target, headers = signed_headers(SimpleNamespace(clock=at(moment)), "PUT", KEY)
    return send(oss, "PUT", target, headers=headers, body=b"hello")


def v1_header(oss: MockOSS, moment: datetime) -> Answer:
    date = format_datetime(moment, usegmt=True)
    text = v1.string_to_sign("PUT", BUCKET, KEY, query=(), headers={}, date_line=date)
    signed = f"OSS {ACCESS_KEY_ID}:{v1.signature(ACCESS_KEY_SECRET, text)}"
    headers = {"Date": date, "Authorization": signed}
    return send(oss, "PUT", f"/{BUCKET}/{KEY}", headers=headers, body=b"hello")


def v4_target(moment: datetime, expires: str) -> str:
    date_time = f"{moment:%Y%m%dT%H%M%SZ}"
    scope = v4.Credential(ACCESS_KEY_ID, date_time[:8], REGION)
    query = [
        ("x-oss-signature-version", "OSS4-HMAC-SHA256"),
        ("x-oss-credential", f"{ACCESS_KEY_ID}/{scope.scope}"),
        ("x-oss-date", date_time),
        ("x-oss-expires", expires),
    ]
    canonical = v4.canonical_request("PUT", BUCKET, KEY, query=query, headers={})
    key = v4.signing_key(ACCESS_KEY_SECRET, scope.date, scope.region)
    signature = v4.signature(key, v4.string_to_sign(date_time, scope.scope, canonical))
    return f"/{BUCKET}/{KEY}?{urlencode([*query, ('x-oss-signature', signature)])}"


def v1_target(expires: str, *, query: tuple[tuple[str, str], ...] = ()) -> str:
    text = v1.string_to_sign("PUT", BUCKET, KEY, query=query, headers={}, date_line=expires)
    signed = {
        "OSSAccessKeyId": ACCESS_KEY_ID,
        "Expires": expires,
        "Signature": v1.signature(ACCESS_KEY_SECRET, text),
    }
    return f"/{BUCKET}/{KEY}?{urlencode([*query, *signed.items()])}"


def put(oss: MockOSS, target: str) -> tuple[int, str, str]:
    """Return status, code and message of a PUT to a presigned URL."""
    answer = send(oss, "PUT", target, body=b"hello")
    assert bool(oss.bucket(BUCKET).objects) is (answer.status == 200)
    return answer.status, *((answer.code, answer.xml("Message")) if answer.body else ("", ""))


@pytest.mark.parametrize("header", [v4_header, v1_header])
@pytest.mark.parametrize("skew_s", [-900, 0, 900])
def test_a_header_signature_may_be_15_minutes_off(
    oss: MockOSS, header: Callable[[MockOSS, datetime], Answer], skew_s: int
) -> None:
    assert header(oss, NOON + timedelta(seconds=skew_s)).status == 200


@pytest.mark.parametrize("header", [v4_header, v1_header])
@pytest.mark.parametrize("skew_s", [-86_400, -901, 901, 86_400])
def test_a_header_signature_may_not_be_further_off(
    oss: MockOSS, header: Callable[[MockOSS, datetime], Answer], skew_s: int
) -> None:
    answer = header(oss, NOON + timedelta(seconds=skew_s))

    assert (answer.status, answer.code) == (403, "RequestTimeTooSkewed")
    assert answer.xml("MaxAllowedSkewMilliseconds") == "900000"
    assert answer.xml("ServerTime") == "2026-11-28T12:00:00.000Z"
    assert not oss.bucket(BUCKET).objects


OK = (200, "", "")
EXPIRED = (403, "AccessDenied", "Request has expired.")


@pytest.mark.parametrize(
    ("age_s", "expires_s", "expected"),
    [
        (0, 1, OK),
        (1, 1, EXPIRED),
        (59, 60, OK),
        (60, 60, EXPIRED),
        (WEEK_S - 1, WEEK_S, OK),
        (WEEK_S, WEEK_S, EXPIRED),
        (-900, 60, OK),
    ],
)
def test_a_v4_url_is_valid_from_its_date_until_it_expires(
    oss: MockOSS, age_s: int, expires_s: int, expected: tuple[int, str, str]
) -> None:
    target = v4_target(NOON - timedelta(seconds=age_s), str(expires_s))

    assert put(oss, target) == expected


def test_a_v4_url_of_the_future_is_refused(oss: MockOSS) -> None:
    status, code, _ = put(oss, v4_target(NOON + timedelta(seconds=901), "60"))

    assert (status, code) == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize(
    "expires", ["0", "-1", str(WEEK_S + 1), "60.0", "1e3", "", "\uff16\uff10", "9" * 9], ids=ascii
)
def test_a_v4_url_is_valid_for_one_second_to_seven_days(oss: MockOSS, expires: str) -> None:
    status, code, _ = put(oss, v4_target(NOON, expires))

    assert (status, code) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("late_s", "expected"), [(-1, OK), (0, OK), (1, EXPIRED), (86_400, EXPIRED)]
)
def test_a_v1_url_is_valid_up_to_its_second(
    oss: MockOSS, late_s: int, expected: tuple[int, str, str]
) -> None:
    assert put(oss, v1_target(str(round(NOON.timestamp()) - late_s))) == expected


def test_a_v1_url_may_be_valid_for_years(oss: MockOSS) -> None:
    assert put(oss, v1_target(str(round(NOON.timestamp()) + 10 * 366 * 86_400))) == OK


def test_a_speed_limit_in_a_v1_url_is_signed(oss: MockOSS) -> None:
    limit = ("x-oss-traffic-limit", "819200")
    expires = str(round(NOON.timestamp()) + 60)
    signed = v1_target(expires, query=(limit,))

    assert put(oss, v1_target(expires) + "&" + urlencode([limit]))[:2] == (
        403,
        "SignatureDoesNotMatch",
    )
    assert put(oss, signed.replace("819200", "838860800"))[:2] == (403, "SignatureDoesNotMatch")
    assert put(oss, signed) == OK


@pytest.mark.parametrize(
    "target",
    [v4_target(NOON, "60"), v1_target(str(round(NOON.timestamp()) + 60))],
    ids=["v4 url", "v1 url"],
)
@pytest.mark.parametrize("authorization", ["v4", "v1", "nonsense"])
def test_a_url_and_a_header_may_not_both_be_signed(
    oss: MockOSS, target: str, authorization: str
) -> None:
    _, headers = signed_headers(oss, "PUT", KEY)
    if authorization == "v1":
        headers["authorization"] = f"OSS {ACCESS_KEY_ID}:x"
    elif authorization != "v4":
        headers["authorization"] = authorization

    answer = send(oss, "PUT", target, headers=headers, body=b"hello")

    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "Only one auth mechanism allowed" in answer.xml("Message")
    assert not oss.bucket(BUCKET).objects


@pytest.mark.parametrize("payload", ["UNSIGNED-PAYLOAD", "2cf24dba5fb0a30e26e83b2ac5b9e29e"])
def test_the_payload_hash_of_the_header_is_signed(oss: MockOSS, payload: str) -> None:
    headers = {"x-oss-date": "20261128T120000Z", "x-oss-content-sha256": payload}
    canonical = v4.canonical_request("PUT", BUCKET, KEY, query=(), headers=headers)
    scope = v4.Credential(ACCESS_KEY_ID, "20261128", REGION)
    text = v4.string_to_sign("20261128T120000Z", scope.scope, canonical)
    signed = v4.signature(v4.signing_key(ACCESS_KEY_SECRET, "20261128", REGION), text)
    credential = f"OSS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/{scope.scope}"
    headers["Authorization"] = f"{credential},Signature={signed}"

    assert canonical.endswith("\n" + payload)
    assert send(oss, "PUT", f"/{BUCKET}/{KEY}", headers=headers, body=b"hello").status == 200


@pytest.mark.parametrize(
    "sdk", [oss2.ProviderAuth, oss_v2.signer.v1.SignerV1], ids=["oss2", "oss-v2"]
)
def test_v1_signs_every_sub_resource_that_an_sdk_signs(sdk: Any) -> None:
    assert sdk._subresource_key_set <= v1.SUB_RESOURCES
