"""STS requests that no official client sends: times and sizes at their limits, missing and
unsigned parts, and nonces that were used before.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from contract.mock_oss.clients import ALLOW_ALL, PERMANENT, Credentials, policy, send, start_session
from contract.mock_oss.matrix import ADMIN
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, ROLE_ARN, Clock, MockOSS, Role, World
from mock_oss.signing import acs3, rpc

NOON = datetime.fromisoformat("2026-11-28T12:00:00Z")
ASSUME = {"RoleArn": ROLE_ARN, "RoleSessionName": "alice"}
STS, RAM = "2015-04-01", "2015-05-01"
Params = Mapping[str, str | None]


@pytest.fixture
def oss() -> Iterator[MockOSS]:
    """A mock whose clock stands still at noon."""
    with MockOSS(clock=Clock(NOON, frozen=True)) as oss:
        yield oss


def read(oss: MockOSS, method: str, target: str, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = send(oss, method, target, **more)
    document: dict[str, Any] = json.loads(answer.body)
    return answer.status, document


def by_rpc(
    oss: MockOSS,
    action: str,
    params: Params,
    *,
    credentials: Credentials = PERMANENT,
    date: str = f"{NOON:%Y-%m-%dT%H:%M:%SZ}",
    nonce: str = "n",
    version: str = STS,
    changes: Params | None = None,
) -> tuple[int, dict[str, Any]]:
    """Send an RPC request; `changes` replaces or, with None, removes common parameters."""
    key_id, secret, token = credentials
    common = {
        "Action": action,
        "Version": version,
        "Format": "JSON",
        "AccessKeyId": key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": nonce,
        "Timestamp": date,
        "SecurityToken": token,
    }
    sent = {n: v for n, v in {**common, **params, **(changes or {})}.items() if v is not None}
    sent["Signature"] = rpc.signature(secret, rpc.string_to_sign("GET", sent))
    return read(oss, "GET", f"/?{urlencode(sent)}")


def by_acs3(
    oss: MockOSS,
    action: str,
    params: Params,
    *,
    credentials: Credentials = PERMANENT,
    date: str = f"{NOON:%Y-%m-%dT%H:%M:%SZ}",
    nonce: str = "n",
    version: str = STS,
    body: bytes = b"",
    unsigned: tuple[str, ...] = (),
    changes: Params | None = None,
) -> tuple[int, dict[str, Any]]:
    """Send an ACS3 request; `changes` replaces or, with None, removes headers.

    The names in `unsigned` are sent but not signed.
    """
    key_id, secret, token = credentials
    payload_hash = hashlib.sha256(body).hexdigest()
    common = {
        "host": f"127.0.0.1:{oss.port}",
        "x-acs-action": action,
        "x-acs-version": version,
        "x-acs-date": date,
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": payload_hash,
        "x-acs-security-token": token,
    }
    headers = {n: v for n, v in {**common, **(changes or {})}.items() if v is not None}
    query = [(n, v) for n, v in params.items() if v is not None]
    signed = [name for name in headers if name not in unsigned]
    canonical = acs3.canonical_request(
        "POST", "/", query=query, headers=headers, signed=signed, payload_hash=payload_hash
    )
    headers["Authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={';'.join(sorted(signed))},"
        f"Signature={acs3.signature(secret, acs3.string_to_sign(canonical))}"
    )
    return read(oss, "POST", f"/?{urlencode(query)}", headers=headers, body=body)


Send = Callable[..., tuple[int, dict[str, Any]]]
every_style = pytest.mark.parametrize("ask", [by_rpc, by_acs3])


@every_style
@pytest.mark.parametrize(
    ("skew_s", "taken"),
    [(0, True), (-900, True), (900, True), (-901, False), (901, False), (-86_400, False)],
)
def test_a_request_may_be_15_minutes_off(oss: MockOSS, ask: Send, skew_s: int, taken: bool) -> None:
    date = f"{NOON + timedelta(seconds=skew_s):%Y-%m-%dT%H:%M:%SZ}"

    status, answer = ask(oss, "GetCallerIdentity", {}, date=date)

    expected = (200, None) if taken else (400, "InvalidTimeStamp.Expired")
    assert (status, answer.get("Code")) == expected


@every_style
@pytest.mark.parametrize("date", ["soon", "2026-11-28 12:00:00", "20261128T120000Z", "2026-11-28"])
def test_a_date_in_another_format_is_refused(oss: MockOSS, ask: Send, date: str) -> None:
    status, answer = ask(oss, "GetCallerIdentity", {}, date=date)

    assert (status, answer["Code"]) == (400, "InvalidTimeStamp.Format")


@every_style
def test_a_nonce_works_once_in_either_style(oss: MockOSS, ask: Send) -> None:
    assert ask(oss, "GetCallerIdentity", {}, nonce="a")[0] == 200
    assert ask(oss, "GetCallerIdentity", {}, nonce="b")[0] == 200
    for again in (by_rpc, by_acs3):
        status, answer = again(oss, "GetCallerIdentity", {}, nonce="a")
        assert (status, answer["Code"]) == (400, "SignatureNonceUsed")


@every_style
def test_a_refused_request_uses_no_nonce(oss: MockOSS, ask: Send) -> None:
    wrong = (ACCESS_KEY_ID, "wrong", None)
    _, refused = ask(oss, "GetCallerIdentity", {}, credentials=wrong)

    assert refused["Code"] == "SignatureDoesNotMatch"
    assert ask(oss, "GetCallerIdentity", {})[0] == 200


@every_style
@pytest.mark.parametrize(
    ("asked", "lifetime_s"), [(None, 3600), ("900", 900), ("1234", 1234), ("3600", 3600)]
)
def test_a_token_lasts_for_the_asked_time_or_an_hour(
    oss: MockOSS, ask: Send, asked: str | None, lifetime_s: int
) -> None:
    status, answer = ask(oss, "AssumeRole", {**ASSUME, "DurationSeconds": asked})

    ends = NOON + timedelta(seconds=lifetime_s)
    assert (status, answer["Credentials"]["Expiration"]) == (200, f"{ends:%Y-%m-%dT%H:%M:%SZ}")


@pytest.mark.parametrize(
    ("most_s", "asked", "taken"),
    [(43_200, "43201", False), (7_200, "7201", False), (7_200, "7200", True)],
)
def test_a_role_limits_the_time_of_its_sessions(most_s: int, asked: str, taken: bool) -> None:
    role = Role(name="oss-web-upload", max_session_s=most_s)
    with MockOSS(world=World(roles=(role,)), clock=Clock(NOON, frozen=True)) as oss:
        status, answer = by_rpc(oss, "AssumeRole", {**ASSUME, "DurationSeconds": asked})

    expected = (200, None) if taken else (400, "InvalidParameter.DurationSeconds")
    assert (status, answer.get("Code")) == expected


def policy_of(length: int) -> str:
    """Return a policy of `length` characters."""
    return policy("oss:PutObject", "x" * (length - len(policy("oss:PutObject", ""))))


@every_style
@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Policy", policy_of(2048), None),
        ("Policy", policy_of(2049), "InvalidParameter.PolicySize"),
        ("RoleSessionName", "ab", None),
        ("RoleSessionName", "a", "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", "aA0.@_-", None),
        ("RoleSessionName", "x" * 64, None),
        ("RoleSessionName", "x" * 65, "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", "aé", "InvalidParameter.RoleSessionName"),
        ("ExternalId", "a", "InvalidParameter.ExternalId"),
        ("ExternalId", "a_+=,.@:/-", None),
        ("ExternalId", "x" * 1224, None),
        ("ExternalId", "x" * 1225, "InvalidParameter.ExternalId"),
        ("ExternalId", "!", "InvalidParameter.ExternalId"),
        ("DurationSeconds", "899", "InvalidParameter.DurationSeconds"),
        ("DurationSeconds", "3601", "InvalidParameter.DurationSeconds"),
        ("RoleSessionName", "a b", "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", None, "MissingRoleSessionName"),
        ("RoleArn", None, "MissingRoleArn"),
        ("RoleArn", "role/x", "InvalidParameter.RoleArn"),
        ("RoleArn", "acs:ram::1:role/x", "EntityNotExist.Role"),
        ("Policy", "{", "InvalidParameter.PolicyGrammar"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_parameters_at_their_limits(
    oss: MockOSS, ask: Send, name: str, value: str | None, code: str | None
) -> None:
    status, answer = ask(oss, "AssumeRole", {**ASSUME, name: value})

    refused = 404 if code == "EntityNotExist.Role" else 400
    assert (status, answer.get("Code")) == ((200, None) if code is None else (refused, code))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AccessKeyId": None}, "MissingAccessKeyId"),
        ({"SignatureNonce": None}, "MissingSignatureNonce"),
        ({"Timestamp": None}, "MissingTimestamp"),
        ({"SignatureMethod": None}, "MissingSignatureMethod"),
        ({"SignatureMethod": "HMAC-SHA256"}, "IncompleteSignature"),
        ({"SignatureVersion": "2.0"}, "IncompleteSignature"),
        ({"SignatureVersion": None}, "IncompleteSignature"),
    ],
    ids=str,
)
def test_an_rpc_request_needs_its_parameters(
    oss: MockOSS, change: dict[str, str | None], code: str
) -> None:
    status, answer = by_rpc(oss, "GetCallerIdentity", {}, changes=change)

    assert (status, answer["Code"]) == (400, code)


@pytest.mark.parametrize("name", ["x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"])
def test_an_acs3_request_needs_its_headers(oss: MockOSS, name: str) -> None:
    absent = by_acs3(oss, "GetCallerIdentity", {}, changes={name: None})
    unsigned = by_acs3(oss, "GetCallerIdentity", {}, unsigned=(name,))

    assert (absent[0], absent[1]["Code"]) == (400, "IncompleteSignature")
    assert (unsigned[0], unsigned[1]["Code"]) == (400, "IncompleteSignature")


@pytest.mark.parametrize("name", ["x-acs-action", "x-acs-version", "x-acs-security-token"])
def test_every_acs_header_must_be_signed(oss: MockOSS, name: str) -> None:
    credentials = start_session(oss)

    status, answer = by_acs3(
        oss, "GetCallerIdentity", {}, credentials=credentials, unsigned=(name,)
    )

    assert (status, answer["Code"]) == (400, "IncompleteSignature")
    assert name in answer["Message"]


def test_the_hash_of_the_body_is_checked(oss: MockOSS) -> None:
    body = b"ignored"
    other = hashlib.sha256(b"other").hexdigest()

    status, answer = by_acs3(
        oss, "GetCallerIdentity", {}, body=body, changes={"x-acs-content-sha256": other}
    )

    assert (status, answer["Code"]) == (400, "IncompleteSignature")
    assert by_acs3(oss, "GetCallerIdentity", {}, body=body)[0] == 200


@every_style
@pytest.mark.parametrize(
    ("limit", "status"),
    [("", 200), (policy("ram:*", "x"), 403), (policy("oss:*"), 403)],
    ids=["no session policy", "other resources", "other actions"],
)
def test_a_session_policy_limits_ram_actions(ask: Send, limit: str, status: int) -> None:
    with MockOSS(world=World(roles=(ADMIN,)), clock=Clock(NOON, frozen=True)) as oss:
        credentials = start_session(oss, policy=limit, role_arn=ADMIN.arn)
        params = {"PolicyName": "stop", "PolicyDocument": ALLOW_ALL}

        answer = ask(oss, "CreatePolicy", params, credentials=credentials, version=RAM)

    assert (answer[0], answer[1].get("Code")) == (status, None if status == 200 else "NoPermission")


@every_style
def test_a_secret_signs_for_its_own_key_only(oss: MockOSS, ask: Send) -> None:
    key_id, _, token = start_session(oss)
    mixed = (key_id, ACCESS_KEY_SECRET, token)

    status, answer = ask(oss, "GetCallerIdentity", {}, credentials=mixed)

    assert (status, answer["Code"]) == (400, "SignatureDoesNotMatch")
