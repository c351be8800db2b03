"""The scope of a V4 credential: its date is the date of the request, its region that of the bucket.

Every request here has the signature that belongs to its scope, so only the scope is wrong.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest

from contract.mock_oss.clients import REGION, Answer, send
from contract.mock_oss.post_forms import form, policy_of, post
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, Clock, MockOSS
from mock_oss.signing import v4

NOON = datetime.fromisoformat("2026-11-28T12:00:00Z")
DATE_TIME = "20261128T120000Z"
ALGORITHM = "OSS4-HMAC-SHA256"


def by_header(oss: MockOSS, credential: str, scope: v4.Credential) -> Answer:
    headers = {"x-oss-date": DATE_TIME, "x-oss-content-sha256": "UNSIGNED-PAYLOAD"}
    signature = signed(scope, v4.canonical_request("PUT", BUCKET, "a", query=(), headers=headers))
    headers["Authorization"] = f"{ALGORITHM} Credential={credential},Signature={signature}"
    return send(oss, "PUT", f"/{BUCKET}/a", headers=headers, body=b"hello")


def by_url(oss: MockOSS, credential: str, scope: v4.Credential) -> Answer:
    query = [
        ("x-oss-signature-version", ALGORITHM),
        ("x-oss-credential", credential),
        ("x-oss-date", DATE_TIME),
        ("x-oss-expires", "60"),
    ]
    signature = signed(scope, v4.canonical_request("PUT", BUCKET, "a", query=query, headers={}))
    target = f"/{BUCKET}/a?{urlencode([*query, ('x-oss-signature', signature)])}"
    return send(oss, "PUT", target, body=b"hello")


def by_form(oss: MockOSS, credential: str, scope: v4.Credential) -> Answer:
    fields = {
        "x-oss-signature-version": ALGORITHM,
        "x-oss-credential": credential,
        "x-oss-date": DATE_TIME,
    }
    policy = policy_of(oss, [{name: value} for name, value in fields.items()])
    key = v4.signing_key(ACCESS_KEY_SECRET, scope.date, scope.region)
    fields |= {"policy": policy, "x-oss-signature": v4.signature(key, policy)}
    return post(oss, form({"key": "a", **fields}))


def signed(scope: v4.Credential, canonical: str) -> str:
    key = v4.signing_key(ACCESS_KEY_SECRET, scope.date, scope.region)
    return v4.signature(key, v4.string_to_sign(DATE_TIME, scope.scope, canonical))


Put = Callable[[MockOSS, str, v4.Credential], Answer]
every_way = pytest.mark.parametrize(
    "put", [by_header, by_url, by_form], ids=lambda way: way.__name__
)
ECS = {
    "date": {"by_header": "0002-00000212", "by_url": "0002-00000223", "by_form": "0002-00000709"},
    "region": {"by_header": "0002-00000226", "by_url": "0002-00000228"},
    "form": {"by_header": "0002-00000213", "by_url": "0002-00000224"},
}


def outcome(put: Put, date: str, region: str, rest: str) -> tuple[int, str, str]:
    """Return status, code and EC of a PUT with a scope of these parts."""
    scope = v4.Credential(ACCESS_KEY_ID, date, region)
    with MockOSS(clock=Clock(NOON, frozen=True)) as oss:
        answer = put(oss, f"{ACCESS_KEY_ID}/{date}/{region}/{rest}", scope)
        assert bool(oss.bucket(BUCKET).objects) is (answer.status < 300)
    if answer.status < 300:
        return answer.status, "", ""
    return answer.status, answer.code, answer.xml("EC")


@every_way
def test_the_date_and_region_of_the_request_are_taken(put: Put) -> None:
    status, code, _ = outcome(put, "20261128", REGION, "oss/aliyun_v4_request")

    assert (status // 100, code) == (2, "")


@every_way
@pytest.mark.parametrize("days", [-365, -1, 1])
def test_a_scope_of_another_day_is_refused(put: Put, days: int) -> None:
    date = f"{NOON + timedelta(days=days):%Y%m%d}"

    found = outcome(put, date, REGION, "oss/aliyun_v4_request")

    assert found == (400, "InvalidArgument", ECS["date"][put.__name__])


@every_way
@pytest.mark.parametrize("date", ["2026-11-28", "", "261128", "20261128T120000Z"])
def test_a_date_in_another_format_is_refused(put: Put, date: str) -> None:
    found = outcome(put, date, REGION, "oss/aliyun_v4_request")

    assert found == (400, "InvalidArgument", ECS["date"][put.__name__])


@every_way
@pytest.mark.parametrize("region", ["cn-beijing", "oss-cn-hangzhou", "CN-HANGZHOU", ""])
def test_a_scope_of_another_region_is_refused(put: Put, region: str) -> None:
    status, code, ec = outcome(put, "20261128", region, "oss/aliyun_v4_request")

    assert (status, code) == (400, "InvalidArgument")
    assert ec == ECS["region"].get(put.__name__, ec)


@every_way
@pytest.mark.parametrize(
    "rest", ["sts/aliyun_v4_request", "oss/aws4_request", "oss/aliyun_v4_request/more", "oss"]
)
def test_a_scope_of_another_product_or_version_is_refused(put: Put, rest: str) -> None:
    status, code, ec = outcome(put, "20261128", REGION, rest)

    assert (status, code) == (400, "InvalidArgument")
    assert ec == ECS["form"].get(put.__name__, ec)
