"""RAM through the official client: roles, users, keys and policies, which STS and OSS then obey."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

from contract.mock_oss.clients import (
    assume_role,
    oss2_bucket,
    policy,
    refusal,
    send,
    sts_client,
    trust,
)
from mock_oss import ACCOUNT_ID, BUCKET, BucketSpec, MockOSS, User, World
from mock_oss.signing import rpc

ADMIN_KEY = ("LTAI5tMockAdmin", "admin's secret")
OTHER_KEY = ("LTAI5tMockOther", "other's secret")

Ask = Callable[..., dict[str, Any]]


ACCOUNT = f"acs:ram::{ACCOUNT_ID}"
TRUST = trust(f"{ACCOUNT}:root")
EVERYTHING = policy("ram:*")


@pytest.fixture
def oss() -> Any:
    users = (
        User(name="admin", keys=dict([ADMIN_KEY]), policies=(EVERYTHING,)),
        User(name="root", account_id="2000000000000000", keys=dict([OTHER_KEY])),
    )
    with MockOSS(world=World(users=users, buckets=(BucketSpec(name=BUCKET),))) as oss:
        yield oss


def client(oss: MockOSS, key: str, secret: str) -> Ask:
    """Return a function that sends one RAM request with the vendor's generic client."""
    config = Config(
        access_key_id=key,
        access_key_secret=secret,
        endpoint=f"127.0.0.1:{oss.port}",
        protocol="http",
    )
    api = Client(config)

    def ask(action: str, **query: str) -> dict[str, Any]:
        params = Params(
            action=action,
            version="2015-05-01",
            protocol="HTTP",
            method="POST",
            auth_type="AK",
            style="RPC",
            pathname="/",
            req_body_type="json",
            body_type="json",
        )
        answer = api.call_api(params, OpenApiRequest(query=query), RuntimeOptions())
        body: dict[str, Any] = answer["body"]
        assert re.fullmatch(r"[0-9A-F-]{36}", body.pop("RequestId"))
        return body

    return ask


@pytest.fixture
def ram(oss: MockOSS) -> Ask:
    return client(oss, *ADMIN_KEY)


def refused(ask: Ask, action: str, **query: str) -> tuple[int, str]:
    """Return the status and the code with which RAM refuses a request."""
    with pytest.raises(AlibabaCloudException) as error:
        ask(action, **query)
    assert error.value.status_code is not None
    return error.value.status_code, str(error.value.code)


def test_a_role_is_made_read_changed_and_deleted(ram: Ask) -> None:
    first, second = trust(f"{ACCOUNT}:user/admin"), TRUST
    made = ram(
        "CreateRole", RoleName="r", AssumeRolePolicyDocument=first, Description="for a test"
    )["Role"]

    assert re.fullmatch(r"3\d{17}", made.pop("RoleId"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made.pop("CreateDate"))
    assert made == {
        "RoleName": "r",
        "Arn": f"{ACCOUNT}:role/r",
        "Description": "for a test",
        "AssumeRolePolicyDocument": first,
        "MaxSessionDuration": 3600,
    }
    ram(
        "UpdateRole", RoleName="r", NewAssumeRolePolicyDocument=second, NewMaxSessionDuration="7200"
    )
    changed = ram("GetRole", RoleName="r")["Role"]
    assert (changed["AssumeRolePolicyDocument"], changed["MaxSessionDuration"]) == (second, 7200)
    assert changed["Description"] == "for a test"
    assert ram("DeleteRole", RoleName="r") == {}
    assert refused(ram, "GetRole", RoleName="r") == (404, "EntityNotExist.Role")


def test_a_user_and_its_keys_are_made_listed_and_deleted(ram: Ask) -> None:
    made = ram("CreateUser", UserName="u", Comments="for a test")["User"]
    keys = [ram("CreateAccessKey", UserName="u")["AccessKey"] for _ in range(2)]

    assert re.fullmatch(r"2\d{17}", made["UserId"])
    assert ram("GetUser", UserName="u")["User"] == made
    assert (made["UserName"], made["Comments"]) == ("u", "for a test")
    listed = ram("ListAccessKeys", UserName="u")["AccessKeys"]["AccessKey"]
    assert [key.keys() for key in listed] == [{"AccessKeyId", "Status", "CreateDate"}] * 2
    assert [key["AccessKeyId"] for key in listed] == [key["AccessKeyId"] for key in keys]
    assert refused(ram, "CreateAccessKey", UserName="u") == (409, "LimitExceeded.User.AccessKey")
    assert refused(ram, "DeleteUser", UserName="u") == (409, "DeleteConflict.User.AccessKey")
    for key in keys:
        ram("DeleteAccessKey", UserName="u", UserAccessKeyId=key["AccessKeyId"])
    ram("DeleteUser", UserName="u")
    assert refused(ram, "GetUser", UserName="u") == (404, "EntityNotExist.User")


def test_a_policy_has_up_to_five_versions_of_which_one_is_in_force(ram: Ask) -> None:
    documents = [policy("oss:GetObject", f"acs:oss:*:*:{BUCKET}/{number}") for number in range(6)]
    ram("CreatePolicy", PolicyName="p", PolicyDocument=documents[0], Description="for a test")
    for document in documents[1:5]:
        ram("CreatePolicyVersion", PolicyName="p", PolicyDocument=document)

    found = ram("GetPolicy", PolicyName="p", PolicyType="Custom")
    assert found["Policy"]["Description"] == "for a test"
    assert found["DefaultPolicyVersion"]["PolicyDocument"] == documents[0]
    sixth = {"PolicyName": "p", "PolicyDocument": documents[5], "SetAsDefault": "true"}
    assert refused(ram, "CreatePolicyVersion", **sixth) == (409, "LimitExceeded.Policy.Version")
    rotate = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
    made = ram("CreatePolicyVersion", **sixth, RotateStrategy=rotate)["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v6", True)

    listed = ram("ListPolicyVersions", PolicyName="p", PolicyType="Custom")["PolicyVersions"]
    versions = {each["VersionId"]: each["IsDefaultVersion"] for each in listed["PolicyVersion"]}
    assert versions == {"v1": False, "v3": False, "v4": False, "v5": False, "v6": True}
    assert refused(ram, "DeletePolicyVersion", PolicyName="p", VersionId="v6") == (
        409,
        "DeleteConflict.PolicyVersion.Default",
    )
    assert refused(ram, "DeletePolicy", PolicyName="p") == (409, "DeleteConflict.Policy.Version")
    for version in ("v1", "v3", "v4", "v5"):
        ram("DeletePolicyVersion", PolicyName="p", VersionId=version)
    ram("DeletePolicy", PolicyName="p")
    assert refused(ram, "GetPolicy", PolicyName="p") == (404, "EntityNotExist.Policy")


@pytest.mark.parametrize(
    ("kind", "create"), [("Role", {"AssumeRolePolicyDocument": TRUST}), ("User", {})]
)
def test_a_policy_is_attached_to_a_role_or_user_once(
    ram: Ask, kind: str, create: dict[str, str]
) -> None:
    who = {f"{kind}Name": "x"}
    which = {"PolicyName": "p", "PolicyType": "Custom", **who}
    ram(f"Create{kind}", **who, **create)
    assert refused(ram, f"AttachPolicyTo{kind}", **which) == (404, "EntityNotExist.Policy")
    ram("CreatePolicy", PolicyName="p", PolicyDocument=policy("oss:GetObject"))

    ram(f"AttachPolicyTo{kind}", **which)

    assert refused(ram, f"AttachPolicyTo{kind}", **which) == (
        409,
        f"EntityAlreadyExists.{kind}.Policy",
    )
    listed = ram(f"ListPoliciesFor{kind}", **who)["Policies"]["Policy"]
    assert [(each["PolicyName"], each["PolicyType"]) for each in listed] == [("p", "Custom")]
    assert ram("GetPolicy", PolicyName="p")["Policy"]["AttachmentCount"] == 1
    assert refused(ram, "DeletePolicy", PolicyName="p") == (409, f"DeleteConflict.Policy.{kind}")
    assert refused(ram, f"Delete{kind}", **who) == (409, f"DeleteConflict.{kind}.Policy")
    ram(f"DetachPolicyFrom{kind}", **which)
    assert refused(ram, f"DetachPolicyFrom{kind}", **which) == (
        404,
        f"EntityNotExist.{kind}.Policy",
    )
    ram("DeletePolicy", PolicyName="p")
    ram(f"Delete{kind}", **who)


@pytest.mark.parametrize(
    ("action", "query", "entity"),
    [
        *((f"{verb}Role", {"RoleName": "none"}, "Role") for verb in ("Get", "Update", "Delete")),
        ("ListPoliciesForRole", {"RoleName": "none"}, "Role"),
        ("GetUser", {"UserName": "none"}, "User"),
        ("DeleteUser", {"UserName": "none"}, "User"),
        ("CreateAccessKey", {"UserName": "none"}, "User"),
        ("ListAccessKeys", {"UserName": "none"}, "User"),
        ("DeleteAccessKey", {"UserName": "admin", "UserAccessKeyId": "x"}, "User.AccessKey"),
        ("GetPolicy", {"PolicyName": "none"}, "Policy"),
        ("GetPolicy", {"PolicyName": "p", "PolicyType": "System"}, "Policy"),
        ("DeletePolicy", {"PolicyName": "none"}, "Policy"),
        ("ListPolicyVersions", {"PolicyName": "none"}, "Policy"),
        ("DeletePolicyVersion", {"PolicyName": "p", "VersionId": "v9"}, "Policy.Version"),
    ],
)
def test_an_entity_that_does_not_exist_is_404(
    ram: Ask, action: str, query: dict[str, str], entity: str
) -> None:
    ram("CreatePolicy", PolicyName="p", PolicyDocument=EVERYTHING)

    assert refused(ram, action, **query) == (404, f"EntityNotExist.{entity}")


GOOD = {
    "CreateRole": {"RoleName": "r", "AssumeRolePolicyDocument": TRUST},
    "CreatePolicy": {"PolicyName": "p", "PolicyDocument": EVERYTHING},
}
BAD_CHARS = "InvalidParameter.{}.InvalidChars"


@pytest.mark.parametrize(
    ("action", "query", "code"),
    [
        ("CreateRole", {"RoleName": None}, "MissingRoleName"),
        ("CreateRole", {"AssumeRolePolicyDocument": None}, "MissingAssumeRolePolicyDocument"),
        ("CreateRole", {"RoleName": "r!"}, BAD_CHARS.format("RoleName")),
        ("CreateRole", {"AssumeRolePolicyDocument": EVERYTHING}, "MalformedPolicyDocument"),
        ("CreateRole", {"MaxSessionDuration": "60"}, "InvalidParameter.MaxSessionDuration"),
        ("CreateUser", {"UserName": "u u"}, BAD_CHARS.format("UserName")),
        ("CreateUser", {"UserName": "admin"}, "EntityAlreadyExists.User"),
        ("CreatePolicy", {"PolicyName": "p_"}, BAD_CHARS.format("PolicyName")),
        ("CreatePolicy", {"PolicyDocument": "{}"}, "MalformedPolicyDocument"),
    ],
)
def test_wrong_parameters_are_refused(
    ram: Ask, action: str, query: dict[str, str | None], code: str
) -> None:
    every = {**GOOD.get(action, {}), **query}
    sent = {name: text for name, text in every.items() if text is not None}

    assert refused(ram, action, **sent) == (409 if "Exists" in code else 400, code)


def test_names_are_taken_once_in_an_account(oss: MockOSS, ram: Ask) -> None:
    other = client(oss, *OTHER_KEY)
    role = {"RoleName": "r", "AssumeRolePolicyDocument": trust("root")}
    policy = {"PolicyName": "p", "PolicyDocument": EVERYTHING}
    for ask in (ram, other):
        ask("CreateRole", **role)
        ask("CreatePolicy", **policy)

    assert refused(ram, "CreateRole", **role) == (409, "EntityAlreadyExists.Role")
    assert refused(ram, "CreatePolicy", **policy) == (409, "EntityAlreadyExists.Policy")


@pytest.mark.parametrize(
    ("action", "query", "resources"),
    [
        ("GetRole", {"RoleName": "r"}, ["role/r"]),
        ("GetUser", {"UserName": "u"}, ["user/u"]),
        ("ListPolicyVersions", {"PolicyName": "p"}, ["policy/p"]),
        ("AttachPolicyToRole", {"RoleName": "r", "PolicyName": "p"}, ["role/r", "policy/p"]),
        ("AttachPolicyToUser", {"UserName": "u", "PolicyName": "p"}, ["user/u", "policy/p"]),
    ],
)
def test_each_action_needs_a_right_on_each_of_its_resources(
    oss: MockOSS, ram: Ask, action: str, query: dict[str, str], resources: list[str]
) -> None:
    ram("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    ram("CreateUser", UserName="u")
    ram("CreatePolicy", PolicyName="p", PolicyDocument=policy("oss:GetObject"))
    ram("CreateUser", UserName="limited")
    key = ram("CreateAccessKey", UserName="limited")["AccessKey"]
    limited = client(oss, key["AccessKeyId"], key["AccessKeySecret"])
    for number, resource in enumerate(resources):
        assert refused(limited, action, **query) == (403, "NoPermission")
        why = oss.requests[-1].why
        assert (why["action"], why["caller"]) == (f"ram:{action}", f"{ACCOUNT}:user/limited")
        right = policy(f"ram:{action}", f"acs:ram:*:{ACCOUNT_ID}:{resource}")
        ram("CreatePolicy", PolicyName=f"right-{number}", PolicyDocument=right)
        ram("AttachPolicyToUser", UserName="limited", PolicyName=f"right-{number}")

    limited(action, **query)


def test_a_role_and_a_user_of_ram_requests_work_in_sts_and_oss(oss: MockOSS, ram: Ask) -> None:
    arn = f"{ACCOUNT}:role/uploader"
    ram("CreateUser", UserName="server")
    key = ram("CreateAccessKey", UserName="server")["AccessKey"]
    ram("CreateRole", RoleName="uploader", AssumeRolePolicyDocument=trust(f"{ACCOUNT}:user/server"))
    for name, document, kind, who in (
        ("put", policy("oss:PutObject", f"acs:oss:*:*:{BUCKET}/uploads/*"), "Role", "uploader"),
        ("assume", policy("sts:AssumeRole", arn), "User", "server"),
    ):
        ram("CreatePolicy", PolicyName=name, PolicyDocument=document)
        ram(f"AttachPolicyTo{kind}", PolicyName=name, **{f"{kind}Name": who})
    sts = sts_client(oss, credentials=(key["AccessKeyId"], key["AccessKeySecret"], None))

    bucket = oss2_bucket(oss, credentials=assume_role(sts, role_arn=arn))
    bucket.put_object("uploads/a", b"1")

    assert refusal(bucket.get_object, "uploads/a") == (403, "AccessDenied")
    reading = {"PolicyName": "put", "PolicyDocument": policy("oss:GetObject")}
    ram("CreatePolicyVersion", **reading, SetAsDefault="true")
    assert bucket.get_object("uploads/a").read() == b"1"
    ram("DetachPolicyFromRole", PolicyName="put", RoleName="uploader")
    ram("DeleteRole", RoleName="uploader")
    assert refusal(bucket.get_object, "uploads/a") == (403, "InvalidAccessKeyId")
    ram("DeleteAccessKey", UserName="server", UserAccessKeyId=key["AccessKeyId"])
    with pytest.raises(AlibabaCloudException, match=r"InvalidAccessKeyId\.NotFound"):
        assume_role(sts, role_arn=arn)


def test_a_reset_forgets_what_ram_requests_have_made(oss: MockOSS, ram: Ask) -> None:
    ram("CreateUser", UserName="u")
    ram("CreatePolicy", PolicyName="p", PolicyDocument=EVERYTHING)
    ram("AttachPolicyToUser", UserName="admin", PolicyName="p")

    oss.reset()

    assert refused(ram, "GetUser", UserName="u") == (404, "EntityNotExist.User")
    assert ram("GetUser", UserName="admin")["User"]["UserName"] == "admin"


def test_xml_answers_repeat_the_element_of_a_list(oss: MockOSS, ram: Ask) -> None:
    ram("CreatePolicy", PolicyName="p", PolicyDocument=EVERYTHING)
    ram("CreatePolicyVersion", PolicyName="p", PolicyDocument=EVERYTHING)
    signed = signed_query(oss, Action="ListPolicyVersions", PolicyName="p")

    answer = send(oss, "POST", f"/?{signed}")

    assert answer.status == 200
    assert re.findall(rb"<IsDefaultVersion>(\w+)</IsDefaultVersion>", answer.body) == [
        b"true",
        b"false",
    ]
    assert answer.xml("PolicyVersions/PolicyVersion/VersionId") == "v1"


def signed_query(oss: MockOSS, **params: str) -> str:
    """Return the query of an RPC request that wants XML, signed with the key of the admin."""
    key, secret = ADMIN_KEY
    every = {
        "Version": "2015-05-01",
        "AccessKeyId": key,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": "once",
        "Timestamp": f"{oss.clock.now():%Y-%m-%dT%H:%M:%SZ}",
        **params,
    }
    every["Signature"] = rpc.signature(secret, rpc.string_to_sign("POST", every))
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in every.items())
