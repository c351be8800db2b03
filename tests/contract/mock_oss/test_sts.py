"""AssumeRole and GetCallerIdentity through the official clients, and their refusals."""

import json
from typing import Any

import pytest
from alibabacloud_credentials.client import Client as CredentialsClient
from alibabacloud_credentials.models import Config as CredentialsConfig
from alibabacloud_sts20150401.client import Client
from alibabacloud_sts20150401.models import AssumeRoleRequest
from alibabacloud_tea_openapi.models import Config
from oss2.exceptions import AccessDenied, ServerError
from Tea.exceptions import TeaException

from contract.mock_oss.clients import oss2_bucket, send, start_session
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, ROLE_ARN, MockOSS, Role, User, World

STYLES = [pytest.param(None, id="acs3"), pytest.param("v2", id="rpc")]


def client(oss: MockOSS, style: str | None = None, key: str = ACCESS_KEY_ID, **more: str) -> Client:
    return Client(
        Config(
            access_key_id=key,
            access_key_secret=more.pop("secret", ACCESS_KEY_SECRET),
            endpoint=f"127.0.0.1:{oss.port}",
            protocol="http",
            signature_algorithm=style,
            **more,
        )
    )


def request(**changes: Any) -> AssumeRoleRequest:
    wanted = {"role_arn": ROLE_ARN, "role_session_name": "alice", "duration_seconds": 900}
    return AssumeRoleRequest(**{**wanted, **changes})


def policy(action: str, resource: str) -> str:
    statement = {"Effect": "Allow", "Action": [action], "Resource": [resource]}
    return json.dumps({"Version": "1", "Statement": [statement]})


def bucket_of_session(oss: MockOSS, sts: Client, wanted: AssumeRoleRequest) -> Any:
    """Return the bucket of `oss2` with the credentials that STS gives."""
    token = sts.assume_role(wanted).body.credentials
    return oss2_bucket(
        oss, credentials=(token.access_key_id, token.access_key_secret, token.security_token)
    )


def refusal(oss: MockOSS, sts: Client, wanted: AssumeRoleRequest) -> tuple[int, str]:
    with pytest.raises(TeaException):
        sts.assume_role(wanted)
    record = oss.requests[-1]
    assert record.status is not None
    return record.status, record.code


@pytest.mark.parametrize("style", STYLES)
def test_the_official_client_gets_a_token_that_ends_when_it_says(
    mock_oss: MockOSS, style: str | None
) -> None:
    body = client(mock_oss, style).assume_role(request()).body

    assert body.assumed_role_user.arn == f"{ROLE_ARN}/alice"
    assert body.credentials.access_key_id.startswith("STS.")
    ends = body.credentials.expiration
    assert ends.endswith("Z")
    assert len(ends) == 20


async def test_the_async_client_gets_a_token(mock_oss: MockOSS) -> None:
    answer = await client(mock_oss).assume_role_async(request())

    assert answer.body.credentials.security_token


def test_alibabacloud_credentials_gets_a_token_for_a_role(mock_oss: MockOSS) -> None:
    config = CredentialsConfig(
        type="ram_role_arn",
        access_key_id=ACCESS_KEY_ID,
        access_key_secret=ACCESS_KEY_SECRET,
        role_arn=ROLE_ARN,
        role_session_name="alice",
        role_session_expiration=900,
        policy=policy("oss:PutObject", "*").replace(" ", ""),
        sts_endpoint=mock_oss.endpoint,
    )

    credential = CredentialsClient(config).get_credential()

    assert credential.access_key_id.startswith("STS.")
    oss2_bucket(
        mock_oss,
        credentials=(
            credential.access_key_id,
            credential.access_key_secret,
            credential.security_token,
        ),
    ).put_object("uploads/a", b"1")


@pytest.mark.parametrize("style", STYLES)
def test_a_session_may_do_what_role_and_session_policy_both_allow(
    mock_oss: MockOSS, style: str | None
) -> None:
    limited = policy("oss:PutObject", f"acs:oss:*:*:{BUCKET}/uploads/alice/*")
    bucket = bucket_of_session(mock_oss, client(mock_oss, style), request(policy=limited))

    bucket.put_object("uploads/alice/a", b"1")

    for key in ("uploads/bob/a", "elsewhere/a"):
        with pytest.raises(AccessDenied) as denied:
            bucket.put_object(key, b"1")
        assert denied.value.message == "Access denied by authorizer's policy."
        assert mock_oss.requests[-1].why["evaluated"] == "session policy"
    with pytest.raises(AccessDenied):
        bucket.get_object("uploads/alice/a")


def test_a_session_without_a_session_policy_has_the_roles_rights(mock_oss: MockOSS) -> None:
    bucket = bucket_of_session(mock_oss, client(mock_oss), request())

    bucket.put_object("uploads/anyone/a", b"1")

    with pytest.raises(AccessDenied):
        bucket.put_object("elsewhere/a", b"1")
    assert mock_oss.requests[-1].why["evaluated"] == "role oss-web-upload"


def test_a_token_expires_by_the_mocks_clock(mock_oss: MockOSS) -> None:
    bucket = bucket_of_session(mock_oss, client(mock_oss), request())
    bucket.put_object("uploads/a", b"1")
    mock_oss.faults.add("expire-tokens", nth=1)

    with pytest.raises(ServerError) as error:
        bucket.put_object("uploads/a", b"1")

    assert error.value.code == "SecurityTokenExpired"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"duration_seconds": 899}, 400, "InvalidParameter.DurationSeconds"),
        ({"duration_seconds": 3601}, 400, "InvalidParameter.DurationSeconds"),
        ({"role_session_name": "a"}, 400, "InvalidParameter.RoleSessionName"),
        ({"role_session_name": "a b"}, 400, "InvalidParameter.RoleSessionName"),
        ({"role_session_name": "x" * 65}, 400, "InvalidParameter.RoleSessionName"),
        ({"role_session_name": None}, 400, "MissingRoleSessionName"),
        ({"role_arn": None}, 400, "MissingRoleArn"),
        ({"role_arn": "role/x"}, 400, "InvalidParameter.RoleArn"),
        ({"role_arn": "acs:ram::1:role/x"}, 404, "EntityNotExist.Role"),
        ({"policy": "{"}, 400, "InvalidParameter.PolicyGrammar"),
        ({"policy": policy("oss:*", "x" * 2048)}, 400, "InvalidParameter.PolicySize"),
        ({"external_id": "!"}, 400, "InvalidParameter.ExternalId"),
    ],
    ids=lambda value: None if isinstance(value, int) else str(value)[:40],
)
def test_parameters_out_of_bounds_are_refused(
    mock_oss: MockOSS, style: str | None, changes: dict[str, Any], status: int, code: str
) -> None:
    assert refusal(mock_oss, client(mock_oss, style), request(**changes)) == (status, code)


@pytest.mark.parametrize("style", STYLES)
def test_a_wrong_secret_and_an_unknown_key_are_told_apart(
    mock_oss: MockOSS, style: str | None
) -> None:
    wrong, unknown = client(mock_oss, style, secret="x"), client(mock_oss, style, "LTAIx")

    assert refusal(mock_oss, wrong, request()) == (400, "SignatureDoesNotMatch")
    assert mock_oss.requests[-1].why["expected_string_to_sign"]
    assert refusal(mock_oss, unknown, request()) == (404, "InvalidAccessKeyId.NotFound")


@pytest.mark.parametrize("style", STYLES)
def test_a_caller_needs_both_permission_and_trust(style: str | None) -> None:
    may = policy("sts:AssumeRole", "*")
    foreign = Role(
        name="foreign",
        trust_policy=json.dumps(
            {
                "Version": "1",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Principal": {"RAM": "acs:ram::2000000000000000:root"},
                    }
                ],
            }
        ),
    )
    world = World(
        users=(
            User(name="able", keys={"LTAIable": "s"}, policies=(may,)),
            User(name="unable", keys={"LTAIunable": "s"}),
            User(name="root", keys={"LTAIroot": "s"}),
        ),
        roles=(Role(name="oss-web-upload"), foreign),
    )
    with MockOSS(world=world) as oss:
        able = client(oss, style, "LTAIable", secret="s")
        able.assume_role(request())

        assert refusal(oss, able, request(role_arn=foreign.arn)) == (403, "NoPermission")
        assert oss.requests[-1].why["trusted"] is False
        unable = client(oss, style, "LTAIunable", secret="s")
        assert refusal(oss, unable, request()) == (403, "NoPermission")
        root = client(oss, style, "LTAIroot", secret="s")
        assert refusal(oss, root, request()) == (403, "NoPermission")


def trust(*statements: dict[str, Any]) -> str:
    base = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    listed = [{**base, **statement} for statement in statements]
    return json.dumps({"Version": "1", "Statement": listed})


ACCOUNT = {"RAM": "acs:ram::1000000000000000:root"}
BOB = {"RAM": "acs:ram::1000000000000000:user/bob"}
ASK_ID = {"StringEquals": {"sts:ExternalId": "shared-id"}}
TRUSTS = [
    pytest.param(trust({"Principal": ACCOUNT}), None, True, id="the account"),
    pytest.param(trust({"Principal": BOB}), None, True, id="the user"),
    pytest.param(
        trust({"Principal": ACCOUNT}, {"Principal": BOB, "Effect": "Deny"}),
        None,
        False,
        id="the account, but not the user",
    ),
    pytest.param(
        trust({"Principal": ACCOUNT, "Effect": "Deny"}, {"Principal": BOB}),
        None,
        False,
        id="the user, but nobody of the account",
    ),
    pytest.param(
        trust({"Principal": ACCOUNT, "Condition": ASK_ID}), "shared-id", True, id="the right id"
    ),
    pytest.param(
        trust({"Principal": ACCOUNT, "Condition": ASK_ID}), "other-id", False, id="another id"
    ),
    pytest.param(trust({"Principal": ACCOUNT, "Condition": ASK_ID}), None, False, id="no id"),
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("trust_policy", "external_id", "trusted"), TRUSTS)
def test_the_trust_policy_decides_who_may_assume_a_role(
    style: str | None, trust_policy: str, external_id: str | None, trusted: bool
) -> None:
    bob = User(name="bob", keys={"LTAIbob": "s"}, policies=(policy("sts:AssumeRole", "*"),))
    roles = (Role(name="oss-web-upload", trust_policy=trust_policy),)
    with MockOSS(world=World(users=(bob,), roles=roles)) as oss:
        sts = client(oss, style, "LTAIbob", secret="s")
        wanted = request(external_id=external_id)

        if trusted:
            sts.assume_role(wanted)
        else:
            assert refusal(oss, sts, wanted) == (403, "NoPermission")
            assert oss.requests[-1].why["trusted"] is False


FIRST = Role(name="first", policies=(policy("sts:AssumeRole", "*"),))
SECOND = Role(name="second", trust_policy=trust({"Principal": {"RAM": FIRST.arn}}))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("limit", "allowed"),
    [
        ("", True),
        (policy("sts:AssumeRole", SECOND.arn), True),
        (policy("sts:AssumeRole", ROLE_ARN), False),
        (policy("oss:*", "*"), False),
    ],
    ids=["no session policy", "this role", "another role", "other actions"],
)
def test_a_session_assumes_the_roles_that_its_role_and_session_policy_allow(
    style: str | None, limit: str, allowed: bool
) -> None:
    with MockOSS(world=World(roles=(FIRST, SECOND))) as oss:
        key_id, secret, token = start_session(oss, policy=limit, role_arn=FIRST.arn)
        sts = client(oss, style, key_id, secret=secret, security_token=token or "")
        wanted = request(role_arn=SECOND.arn)

        if allowed:
            assert sts.assume_role(wanted).body.assumed_role_user.arn == f"{SECOND.arn}/alice"
        else:
            assert refusal(oss, sts, wanted) == (403, "NoPermission")
            assert oss.requests[-1].why["trusted"] is True


@pytest.mark.parametrize("style", STYLES)
def test_who_am_i_tells_users_and_sessions_apart(mock_oss: MockOSS, style: str | None) -> None:
    user = client(mock_oss, style).get_caller_identity().body
    answer = client(mock_oss, style).assume_role(request()).body.credentials
    session = client(
        mock_oss,
        style,
        answer.access_key_id,
        secret=answer.access_key_secret,
        security_token=answer.security_token,
    )

    assert (user.identity_type, user.arn) == (
        "RAMUser",
        "acs:ram::1000000000000000:user/mock-oss-user",
    )
    assert session.get_caller_identity().body.arn == f"{ROLE_ARN}/alice"


def _query(params: dict[str, str]) -> str:
    from urllib.parse import urlencode

    return urlencode(params)


def test_an_unknown_action_and_a_missing_parameter_have_their_own_codes(mock_oss: MockOSS) -> None:
    unknown = send(mock_oss, "GET", "/?Action=Fly&Version=2015-04-01&Format=JSON")
    unsigned = send(mock_oss, "GET", "/?Action=AssumeRole&Version=2015-04-01&Format=JSON")
    as_xml = send(mock_oss, "GET", "/?Action=AssumeRole&Version=2015-04-01")

    assert (unknown.status, json.loads(unknown.body)["Code"]) == (404, "InvalidApi.NotFound")
    assert (unsigned.status, json.loads(unsigned.body)["Code"]) == (400, "MissingAccessKeyId")
    assert (as_xml.status, as_xml.code) == (400, "MissingAccessKeyId")


def test_an_answer_can_be_xml(mock_oss: MockOSS) -> None:
    client(mock_oss, "v2").get_caller_identity()
    params = dict(mock_oss.requests[-1].params)
    del params["Signature"]
    params |= {"Format": "XML", "SignatureNonce": "another"}
    from mock_oss.signing import rpc

    params["Signature"] = rpc.signature(ACCESS_KEY_SECRET, rpc.string_to_sign("GET", params))

    answer = send(mock_oss, "GET", f"/?{_query(params)}")

    assert answer.status == 200
    assert answer.xml("AccountId") == "1000000000000000"
