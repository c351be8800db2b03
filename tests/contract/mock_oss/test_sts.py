"""AssumeRole and GetCallerIdentity through the official clients, and their refusals."""

import json
from contextlib import suppress
from typing import Any

import pytest
from alibabacloud_credentials.client import Client as CredentialsClient
from alibabacloud_credentials.models import Config as CredentialsConfig
from alibabacloud_sts20150401.client import Client
from oss2.exceptions import AccessDenied, ServerError
from Tea.exceptions import TeaException

from contract.mock_oss.clients import (
    Credentials,
    assume_role,
    oss2_bucket,
    policy,
    role_wanted,
    send,
    start_session,
    sts_client,
    trust,
)
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, ROLE_ARN, MockOSS, Role, User, World

every_style = pytest.mark.parametrize("style", [None, "v2"], ids=["acs3", "rpc"])
MAY = policy("sts:AssumeRole")


def bucket_of_session(oss: MockOSS, sts: Client, **wanted: Any) -> Any:
    """Return the bucket of `oss2` with the credentials that STS gives."""
    return oss2_bucket(oss, credentials=assume_role(sts, **wanted))


def refusal(oss: MockOSS, sts: Client, **wanted: Any) -> tuple[int, str]:
    with pytest.raises(TeaException):
        assume_role(sts, **wanted)
    record = oss.requests[-1]
    assert record.status is not None
    return record.status, record.code


def test_alibabacloud_credentials_gets_a_token_for_a_role(mock_oss: MockOSS) -> None:
    config = CredentialsConfig(
        type="ram_role_arn",
        access_key_id=ACCESS_KEY_ID,
        access_key_secret=ACCESS_KEY_SECRET,
        role_arn=ROLE_ARN,
        role_session_name="alice",
        role_session_expiration=900,
        policy=policy("oss:PutObject").replace(" ", ""),
        sts_endpoint=mock_oss.endpoint,
    )

    found = CredentialsClient(config).get_credential()

    assert found.access_key_id.startswith("STS.")
    key = (found.access_key_id, found.access_key_secret, found.security_token)
    oss2_bucket(mock_oss, credentials=key).put_object("uploads/a", b"1")


@every_style
def test_a_session_may_do_what_role_and_session_policy_both_allow(
    mock_oss: MockOSS, style: str | None
) -> None:
    limited = policy("oss:PutObject", f"acs:oss:*:*:{BUCKET}/uploads/alice/*")
    bucket = bucket_of_session(mock_oss, sts_client(mock_oss, style), policy=limited)

    bucket.put_object("uploads/alice/a", b"1")

    for key in ("uploads/bob/a", "elsewhere/a"):
        with pytest.raises(AccessDenied) as denied:
            bucket.put_object(key, b"1")
        assert denied.value.message == "Access denied by authorizer's policy."
        assert mock_oss.requests[-1].why["evaluated"] == "session policy"
    with pytest.raises(AccessDenied):
        bucket.get_object("uploads/alice/a")


def test_a_token_expires_by_the_mocks_clock(mock_oss: MockOSS) -> None:
    bucket = bucket_of_session(mock_oss, sts_client(mock_oss))
    bucket.put_object("uploads/a", b"1")
    mock_oss.faults.add("expire-tokens", nth=1)

    with pytest.raises(ServerError) as error:
        bucket.put_object("uploads/a", b"1")

    assert error.value.code == "SecurityTokenExpired"


@every_style
def test_a_wrong_secret_and_an_unknown_key_are_told_apart(
    mock_oss: MockOSS, style: str | None
) -> None:
    wrong, unknown = (
        sts_client(mock_oss, style, credentials=(key_id, "x", None))
        for key_id in (ACCESS_KEY_ID, "LTAIx")
    )

    assert refusal(mock_oss, wrong) == (400, "SignatureDoesNotMatch")
    assert mock_oss.requests[-1].why["expected_string_to_sign"]
    assert refusal(mock_oss, unknown) == (404, "InvalidAccessKeyId.NotFound")


ACCOUNT, BOB = "acs:ram::1000000000000000:root", "acs:ram::1000000000000000:user/bob"
WITH_ID = trust(ACCOUNT, Condition={"StringEquals": {"sts:ExternalId": "shared-id"}})
# Caller, trust policy of the role, external id, and whether the role trusts the caller.
TRUSTS = {
    "the account": ("bob", trust(ACCOUNT), None, True),
    "the user": ("bob", trust(BOB), None, True),
    "another account": ("bob", trust("acs:ram::2000000000000000:root"), None, False),
    "the right id": ("bob", WITH_ID, "shared-id", True),
    "another id": ("bob", WITH_ID, "other-id", False),
    "no permission": ("unable", trust(ACCOUNT), None, True),
}


@pytest.mark.parametrize(
    ("name", "trust_policy", "external_id", "trusted"), TRUSTS.values(), ids=TRUSTS
)
def test_a_caller_needs_both_permission_and_trust(
    name: str, trust_policy: str, external_id: str | None, trusted: bool
) -> None:
    policies = (MAY,) if name == "bob" else ()
    users = (User(name=name, keys={"LTAIkey": "s"}, policies=policies),)
    roles = (Role(name="oss-web-upload", trust_policy=trust_policy),)
    with MockOSS(world=World(users=users, roles=roles)) as oss:
        sts = sts_client(oss, credentials=("LTAIkey", "s", None))

        if trusted and name == "bob":
            assume_role(sts, external_id=external_id)
        else:
            assert refusal(oss, sts, external_id=external_id) == (403, "NoPermission")
            assert oss.requests[-1].why["trusted"] is trusted


def test_the_account_itself_assumes_no_role() -> None:
    root = User(name="root", keys={"LTAIroot": "s"})
    with MockOSS(world=World(users=(root,))) as oss:
        sts = sts_client(oss, credentials=("LTAIroot", "s", None))

        assert refusal(oss, sts) == (403, "NoPermission")
        assert oss.requests[-1].message == "Roles may not be assumed by root accounts."


FIRST = Role(name="first", policies=(MAY,))
SECOND = Role(name="second", trust_policy=trust(FIRST.arn))


@every_style
@pytest.mark.parametrize(
    ("limit", "allowed"),
    [
        ("", True),
        (policy("sts:AssumeRole", SECOND.arn), True),
        (policy("sts:AssumeRole", ROLE_ARN), False),
        (policy("oss:*"), False),
    ],
    ids=["no session policy", "this role", "another role", "other actions"],
)
def test_a_session_assumes_the_roles_that_its_role_and_session_policy_allow(
    style: str | None, limit: str, allowed: bool
) -> None:
    with MockOSS(world=World(roles=(FIRST, SECOND))) as oss:
        session = start_session(oss, policy=limit, role_arn=FIRST.arn)
        sts = sts_client(oss, style, credentials=session)

        if allowed:
            found = sts.assume_role(role_wanted(role_arn=SECOND.arn)).body
            assert found.assumed_role_user.arn == f"{SECOND.arn}/alice"
        else:
            assert refusal(oss, sts, role_arn=SECOND.arn) == (403, "NoPermission")
            assert oss.requests[-1].why["trusted"] is True


@every_style
def test_who_am_i_tells_users_and_sessions_apart(mock_oss: MockOSS, style: str | None) -> None:
    sts = sts_client(mock_oss, style)
    user = sts.get_caller_identity().body
    session = sts_client(mock_oss, style, credentials=assume_role(sts))

    assert (user.identity_type, user.arn) == (
        "RAMUser",
        "acs:ram::1000000000000000:user/mock-oss-user",
    )
    assert session.get_caller_identity().body.arn == f"{ROLE_ARN}/alice"


def test_an_unknown_action_and_a_missing_parameter_have_their_own_codes(mock_oss: MockOSS) -> None:
    unknown = send(mock_oss, "GET", "/?Action=Fly&Version=2015-04-01&Format=JSON")
    unsigned = send(mock_oss, "GET", "/?Action=AssumeRole&Version=2015-04-01&Format=JSON")
    as_xml = send(mock_oss, "GET", "/?Action=AssumeRole&Version=2015-04-01")

    assert (unknown.status, json.loads(unknown.body)["Code"]) == (404, "InvalidApi.NotFound")
    assert (unsigned.status, json.loads(unsigned.body)["Code"]) == (400, "MissingAccessKeyId")
    assert (as_xml.status, as_xml.code) == (400, "MissingAccessKeyId")


# Security tokens


STYLES = pytest.mark.parametrize("style", [None, "v2"], ids=["acs3", "rpc"])


def ask_sts(oss: MockOSS, credentials: Credentials, style: str | None) -> tuple[int | None, str]:
    """Return status and error code of GetCallerIdentity."""
    with suppress(TeaException):
        sts_client(oss, style, credentials=credentials).get_caller_identity()
    record = oss.requests[-1]
    return record.status, record.code


OFF = User(name="u", keys={"LTAIoff": "s"}, disabled_keys=("LTAIoff",))
TEMPORARY, LONG_TERM = ("STS.NMockOssalice", "secret of alice"), (ACCESS_KEY_ID, ACCESS_KEY_SECRET)
WRONG = "InvalidSecurityToken"
# Key id and secret, token, and the outcome.
KEYS = {
    "own": (TEMPORARY, "token/of+alice==", (200, "")),
    "of another session": (TEMPORARY, "token/of+bob==", (400, f"{WRONG}.MismatchWithAccessKey")),
    "garbage": (TEMPORARY, "x", (400, f"{WRONG}.Malformed")),
    "none": (TEMPORARY, None, (400, "MissingSecurityToken")),
    "long-term key, of a session": (
        LONG_TERM,
        "token/of+alice==",
        (400, f"{WRONG}.MismatchWithAccessKey"),
    ),
    "long-term key, garbage": (LONG_TERM, "x", (400, f"{WRONG}.Malformed")),
    "disabled key": (("LTAIoff", "s"), None, (400, "InvalidAccessKeyId.Inactive")),
}


@STYLES
@pytest.mark.parametrize(("key", "token", "expected"), KEYS.values(), ids=KEYS)
def test_sts_takes_a_temporary_key_with_its_own_token_and_no_other_key_with_a_token(
    style: str | None, key: tuple[str, str], token: str | None, expected: tuple[int, str]
) -> None:
    with MockOSS(world=World(users=(*World().users, OFF))) as oss:
        for name in ("alice", "bob"):
            start_session(oss, name)

        assert ask_sts(oss, (*key, token), style) == expected


@STYLES
def test_sts_takes_a_token_until_its_expiration(mock_oss: MockOSS, style: str | None) -> None:
    mock_oss.clock.freeze()
    mock_oss.clock.set(mock_oss.clock.now().replace(microsecond=0))
    credentials = start_session(mock_oss, lifetime_s=60)
    mock_oss.clock.advance(59)
    last = ask_sts(mock_oss, credentials, style)

    mock_oss.clock.advance(1)

    assert last == (200, "")
    assert ask_sts(mock_oss, credentials, style) == (400, "InvalidSecurityToken.Expired")
