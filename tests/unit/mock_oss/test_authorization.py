"""Authorization: condition keys of a request, decisions of policies and ACLs, and refusals."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from mock_oss.access.authorization import authorize, authorize_object
from mock_oss.errors import RefusedError
from mock_oss.identities import ANONYMOUS, Caller
from mock_oss.policies.evaluation import Policy, parse_policy
from mock_oss.service import Call
from mock_oss.store.data_directory import Store
from mock_oss.store.records import BucketRecord, ObjectRecord
from support.mock_calls import NONE_SENT, mock_call, mock_request
from support.refusals import refusal

ACCOUNT, FOREIGN = "1", "2"


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("store"))
    yield store
    store.close()


@pytest.fixture
def store(shared_store: Store) -> Store:
    """A store with a private bucket of the account, and two objects; one object has a tag."""
    for record in shared_store.objects.page("data"):
        shared_store.objects.delete("data", record.key)
    put_bucket(shared_store, "data")
    put_object(shared_store, "plain")
    put_object(shared_store, "tagged", tags={"class": "secret"})
    return shared_store


def put_bucket(store: Store, name: str, acl: str = "private") -> None:
    store.buckets.put(BucketRecord(name, ACCOUNT, "cn-hangzhou", acl, "Standard", "LRS", 0, "", ""))


def put_object(
    store: Store, key: str, *, acl: str = "default", tags: Mapping[str, str] | None = None
) -> None:
    tagging = json.dumps(tags or {})
    record = ObjectRecord(
        "data", key, 0, "E", "0", "", "Normal", "Standard", acl, 0, "{}", tagging, "[]"
    )
    store.objects.put(record)


def policy(name: str, *statements: Mapping[str, Any]) -> Policy:
    return parse_policy(json.dumps({"Version": "1", "Statement": statements}), name)


def statement(effect: str, action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


USER = Caller(
    kind="user",
    account_id=ACCOUNT,
    arn="acs:ram::1:user/alice",
    principal_id="200001",
    access_key_id="LTAIalice",
)
ROLE = Caller(
    kind="role",
    account_id=ACCOUNT,
    arn="acs:ram::1:role/uploader/alice",
    principal_id="300001:alice",
    access_key_id="STS.alice",
)
ROOT = Caller(kind="root", account_id=ACCOUNT, arn="acs:ram::1:root", principal_id="1")
FOREIGN_ROOT = replace(ROOT, account_id=FOREIGN, arn="acs:ram::2:root", principal_id="2")


Build = Callable[..., Call]


@pytest.fixture
def call(store: Store) -> Build:
    """A function that returns a request for `BUCKET/KEY`; `fields` are those of a form."""

    def build(
        path: str,
        *,
        caller: Caller = USER,
        query: str = "",
        headers: Mapping[str, str] = NONE_SENT,
        fields: Mapping[str, str] | None = None,
        scheme: str = "http",
    ) -> Call:
        request = mock_request("GET", f"/{path}", query, headers, scheme=scheme)
        return mock_call(store, path, request, caller=caller, fields=fields)

    return build


def is_allowed(call: Call, action: str, **more: Any) -> bool:
    try:
        authorize(call, action, **more)
    except RefusedError:
        return False
    return True


# --- condition keys -------------------------------------------------------------------------------

EVERY_REQUEST = {
    "acs:SourceIp": "203.0.113.7",
    "acs:SecureTransport": "false",
    "acs:CurrentTime": "2026-03-14T09:26:53+00:00",
    "acs:AccessId": "LTAIalice",
}
KEYS = (
    *EVERY_REQUEST,
    "acs:UserAgent",
    "oss:Prefix",
    "oss:Delimiter",
    "oss:x-oss-acl",
    "oss:x-oss-object-acl",
    "oss:ExistingObjectTag/class",
    "oss:RequestObjectTag/class",
    "oss:RequestObjectTag/empty",
)
TAGGING = {"x-oss-tagging": "class=public&empty="}
SENT_TAGS = {"oss:RequestObjectTag/class": "public", "oss:RequestObjectTag/empty": ""}
STORED_TAG = {"oss:ExistingObjectTag/class": "secret"}
NO_ACL = {"oss:x-oss-object-acl": "default"}
PREFIX = "prefix=u/&delimiter=%2F"
LISTED = {"oss:Prefix": "u/", "oss:Delimiter": "/"}
LISTED_ALL = {"oss:Prefix": "", "oss:Delimiter": ""}
EVERYTHING = {
    "query": PREFIX,
    "headers": {**TAGGING, "x-oss-acl": "public-read", "x-oss-object-acl": "public-read"},
}
"""Parameters and headers that are condition keys of some actions."""


def sent(**headers: str) -> dict[str, Any]:
    return {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}


CONTEXTS = [
    # action, BUCKET/KEY, request, condition keys
    ("GetBucketInfo", "data", {}, {}),
    ("GetBucketInfo", "data", sent(user_agent="curl/8"), {"acs:UserAgent": "curl/8"}),
    ("GetBucketInfo", "data", {"scheme": "https"}, {"acs:SecureTransport": "true"}),
    ("GetBucketInfo", "data", EVERYTHING, {}),
    ("ListObjects", "data", {}, LISTED_ALL),
    ("ListObjects", "data", EVERYTHING, LISTED),
    ("ListMultipartUploads", "data", {}, LISTED_ALL),
    ("ListMultipartUploads", "data", EVERYTHING, LISTED),
    ("PutBucket", "new", {}, {"oss:x-oss-acl": "private"}),
    ("PutBucket", "new", EVERYTHING, {"oss:x-oss-acl": "public-read"}),
    ("PutBucketAcl", "data", {}, {"oss:x-oss-acl": "private"}),
    ("PutBucketAcl", "data", EVERYTHING, {"oss:x-oss-acl": "public-read"}),
    ("PutObject", "data/tagged", {}, NO_ACL),
    ("PutObject", "data/a", EVERYTHING, {"oss:x-oss-object-acl": "public-read", **SENT_TAGS}),
    ("PutObject", "data/a", {"fields": {}, **EVERYTHING}, NO_ACL),
    ("PutObject", "data/a", {"fields": {**TAGGING}}, {**NO_ACL, **SENT_TAGS}),
    (
        "PutObject",
        "data/a",
        {"fields": {"x-oss-object-acl": "private"}},
        {"oss:x-oss-object-acl": "private"},
    ),
    ("PutObjectAcl", "data/tagged", {}, NO_ACL),
    ("PutObjectAcl", "data/plain", EVERYTHING, {"oss:x-oss-object-acl": "public-read"}),
    ("PutObjectTagging", "data/tagged", {}, {}),
    ("PutObjectTagging", "data/a", EVERYTHING, SENT_TAGS),
    ("PutObjectTagging", "data/a", {"fields": TAGGING}, SENT_TAGS),
    (
        "PutObjectTagging",
        "data/a",
        {"tags": {"class": "b"}, **EVERYTHING},
        {"oss:RequestObjectTag/class": "b"},
    ),
    ("PutObjectTagging", "data/a", {"tags": {}, **EVERYTHING}, {}),
    ("GetObject", "data/tagged", EVERYTHING, STORED_TAG),
    ("GetObject", "data/plain", {}, {}),
    ("GetObject", "data/absent", {}, {}),
    ("GetObject", "absent/tagged", {}, {}),
    ("GetObjectTagging", "data/tagged", EVERYTHING, STORED_TAG),
    ("GetObjectTagging", "data/plain", {}, {}),
    ("DeleteObject", "data/tagged", EVERYTHING, {}),
]


@pytest.mark.parametrize(
    ("action", "path", "request_", "expected"),
    [pytest.param(*row, id=f"{number} {row[0]}") for number, row in enumerate(CONTEXTS)],
)
def test_a_condition_sees_the_keys_of_its_action_and_no_others(
    call: Build, action: str, path: str, request_: dict[str, Any], expected: dict[str, str]
) -> None:
    request = dict(request_)
    more = {"tags": request.pop("tags")} if "tags" in request else {}
    context = {**dict.fromkeys(KEYS), **EVERY_REQUEST, **expected}

    def has(key: str, value: str | None) -> bool:
        """Return whether a policy finds this value; None stands for an absent key."""
        condition = (
            {"StringNotLike": {key: "*"}} if value is None else {"StringEquals": {key: value}}
        )
        rights = policy("p", statement("Allow", f"oss:{action}", Condition=condition))
        caller = replace(USER, policies=(rights,))
        return is_allowed(call(path, caller=caller, **request), f"oss:{action}", **more)

    assert {key: value for key, value in context.items() if not has(key, value)} == {}


# --- decisions ------------------------------------------------------------------------------------

DATA = "PutObject DeleteObject AbortMultipartUpload ListParts ListMultipartUploads"
READ, WRITE = {"GetObject", "ListObjects"}, set(DATA.split())
LEVEL_OF_BUCKET = {"ListObjects", "ListMultipartUploads", "GetBucketInfo", "GetBucketAcl"}


ALLOW = policy("allow", statement("Allow", "oss:*", "acs:oss:*:1:data/*"))
DENY = policy("deny", statement("Deny", "oss:PutObject", "acs:oss:*:*:data/a"))


def may_put(call: Build, caller: Caller) -> bool:
    return is_allowed(call("data/a", caller=caller), "oss:PutObject")


@pytest.mark.parametrize(
    ("caller", "private", "public"),
    [
        (ROOT, True, True),
        (FOREIGN_ROOT, False, True),
        (replace(USER, policies=(ALLOW,)), True, True),
        (replace(USER, policies=(DENY,)), False, False),
        (replace(USER, policies=(ALLOW, DENY)), False, False),
        (replace(USER, policies=(ALLOW,), account_id=FOREIGN), False, True),
        (replace(USER, policies=(DENY,), account_id=FOREIGN), False, False),
        (replace(ROLE, policies=(ALLOW,)), True, True),
        (replace(ROLE, policies=(ALLOW, DENY)), False, False),
        (replace(ROLE, policies=(ALLOW,), account_id=FOREIGN), False, True),
        (replace(ROLE, policies=(ALLOW,), session_policy=ALLOW), True, True),
        (replace(ROLE, policies=(ALLOW,), session_policy=DENY), False, False),
        (replace(ROLE, policies=(DENY,), session_policy=ALLOW), False, False),
        (replace(ROLE, session_policy=ALLOW), False, True),
        (replace(ROLE, session_policy=policy("p", statement("Allow", "oss:Get*"))), False, False),
    ],
)
def test_policies_decide_before_acls(
    store: Store, call: Build, caller: Caller, private: bool, public: bool
) -> None:
    assert may_put(call, caller) is private

    put_bucket(store, "data", "public-read-write")

    assert may_put(call, caller) is public


def test_a_new_bucket_belongs_to_the_account_of_its_creator(call: Build) -> None:
    create = policy("p", statement("Allow", "oss:PutBucket", "acs:oss:*:2:new"))
    user = replace(USER, policies=(create,))

    assert is_allowed(call("new", caller=ROOT), "oss:PutBucket")
    assert is_allowed(call("new", caller=replace(user, account_id="2")), "oss:PutBucket")
    assert not is_allowed(call("new", caller=user), "oss:PutBucket")
    assert not is_allowed(call("new", caller=ANONYMOUS), "oss:PutBucket")


def test_an_object_that_the_url_does_not_name_needs_rights_of_its_own(
    store: Store, call: Build
) -> None:
    put_object(store, "open", acl="public-read")
    bucket = call("data").bucket_or_none
    assert bucket is not None
    conditions = {"StringEquals": {"oss:ExistingObjectTag/class": "secret"}}
    rights = policy(
        "p", statement("Allow", "oss:*", "acs:oss:*:1:data/tagged", Condition=conditions)
    )
    user = replace(USER, policies=(rights,))

    authorize_object(call("", caller=ANONYMOUS), "oss:GetObject", bucket, "open")
    authorize_object(call("", caller=user), "oss:GetObject", bucket, "tagged")
    refused = refusal(
        authorize_object, call("data/tagged", caller=user), "oss:GetObject", bucket, "plain"
    )

    assert refused["why"]["resource"] == "acs:oss:*:1:data/plain"


# --- refusals -------------------------------------------------------------------------------------

NO_RIGHT = "You have no right to access this object because of bucket acl."
BY_ROLE = "Access denied by authorizer's policy."
BY_DENY = "Access denied by bucket policy."
A = "acs:oss:*:1:data/a"
READER = policy("reader", statement("Allow", "oss:GetObject"))
WRITER = policy("writer", statement("Allow", "oss:ListObjects"))
ALLOW_SOURCE = json.dumps(statement("Allow", "oss:*", "acs:oss:*:1:data/*"))
DENY_SOURCE = json.dumps(statement("Deny", "oss:PutObject", "acs:oss:*:*:data/a"))


def denied(message: str, ec: str, **more: Any) -> dict[str, Any]:
    return {"status": 403, "Code": "AccessDenied", "Message": message, "EC": ec, **more}


def detail(policy_type: str, action: str, caller: Caller, effect: str) -> dict[str, Any]:
    return {
        "AccessDeniedDetail": {
            "PolicyType": policy_type,
            "AuthAction": f"oss:{action}",
            "AuthPrincipalType": "SubUser" if caller.kind == "user" else "AssumedRoleUser",
            "AuthPrincipalOwnerId": "1",
            "AuthPrincipalDisplayName": caller.principal_id,
            "NoPermissionType": effect,
        }
    }


def why(action: str, caller: str, resource: str | None, **more: Any) -> dict[str, Any]:
    return {
        "kind": "policy",
        "decision": "implicit deny",
        "policy": None,
        "statement": None,
        "action": f"oss:{action}",
        "resource": resource,
        "caller": caller,
        **more,
    }


DENIED_BY = {"decision": "explicit deny", "policy": "deny", "statement": DENY_SOURCE}
ALLOWED_BY = {"decision": "allow", "policy": "allow", "statement": ALLOW_SOURCE}
IDENTITY, ASSUMED, SESSION = "AccountLevelIdentityBasedPolicy", "AssumeRolePolicy", "SessionPolicy"
USER_REFUSALS = [
    # caller, action, BUCKET/KEY, the message, EC, details and journal
    *(
        pytest.param(
            USER,
            action,
            path,
            denied(NO_RIGHT, "0003-00000001", **detail(IDENTITY, action, USER, "ImplicitDeny")),
            why(action, USER.arn, f"acs:oss:*:1:{path}", evaluated="no policy"),
            id=f"user {action}",
        )
        for action in sorted(READ | WRITE)
        for path in ["data" if action in LEVEL_OF_BUCKET else "data/a"]
    ),
    *(
        pytest.param(
            replace(USER, policies=(READER, WRITER)),
            action,
            path,
            denied(
                "AccessDenied", "0003-00000001", **detail(IDENTITY, action, USER, "ImplicitDeny")
            ),
            why(action, USER.arn, f"acs:oss:*:1:{path or '*'}", evaluated="reader, writer"),
            id=f"user {action}",
        )
        for action, path in (
            ("ListBuckets", ""),
            ("GetBucketInfo", "data"),
            ("PutBucket", "new"),
            ("GetObjectAcl", "data/a"),
        )
    ),
    pytest.param(
        replace(USER, policies=(ALLOW, DENY)),
        "PutObject",
        "data/a",
        denied(BY_DENY, "0003-00000201", **detail(IDENTITY, "PutObject", USER, "ExplicitDeny")),
        why("PutObject", USER.arn, A, **DENIED_BY, evaluated="allow, deny"),
        id="user is denied",
    ),
]
ROLE_REFUSALS = [
    pytest.param(
        replace(ROLE, policies=(own,), session_policy=session),
        "PutObject",
        "data/a",
        denied(
            BY_DENY if denies else BY_ROLE,
            "0003-00000201" if denies else "0003-00000301",
            **detail(kind, "PutObject", ROLE, "ExplicitDeny" if denies else "ImplicitDeny"),
        ),
        why("PutObject", ROLE.arn, A, **(DENIED_BY if denies else {}), evaluated=evaluated),
        id=name,
    )
    for name, own, session, kind, denies, evaluated in (
        ("role is silent", READER, None, ASSUMED, False, "reader"),
        ("role is silent, session allows", READER, ALLOW, ASSUMED, False, "reader"),
        ("role denies, session allows", DENY, ALLOW, ASSUMED, True, "deny"),
        ("session is silent", ALLOW, READER, SESSION, False, "session policy"),
        ("session denies", ALLOW, DENY, SESSION, True, "session policy"),
    )
]
OTHER_REFUSALS = [
    pytest.param(
        ANONYMOUS,
        action,
        path,
        denied(message, "0003-00000001"),
        why(action, "anonymous", None),
        id=f"anonymous {action}",
    )
    for action, path, message in (
        ("GetObject", "data/a", "Anonymous user has no right to access this object."),
        ("ListObjects", "data", "Anonymous user has no right to access this bucket."),
        ("GetBucketInfo", "data", "Anonymous user has no right to access this bucket."),
        ("ListBuckets", "", "Anonymous access is forbidden for this operation."),
    )
] + [
    pytest.param(
        FOREIGN_ROOT,
        action,
        path,
        denied(message, "0003-00000001"),
        why(action, FOREIGN_ROOT.arn, None),
        id=f"root of another account {action}",
    )
    for action, path, message in (
        ("GetObject", "data/a", NO_RIGHT),
        ("GetBucketInfo", "data", "AccessDenied"),
    )
]
OTHER_REFUSALS += [
    pytest.param(
        replace(USER, policies=(ALLOW,), account_id=FOREIGN),
        action,
        "data/a",
        denied(message, "0003-00000001"),
        why(action, USER.arn, A, **ALLOWED_BY, evaluated="ACL"),
        id=f"user of another account, whose policy allows {action}",
    )
    for action, message in (("GetObject", NO_RIGHT), ("GetObjectAcl", "AccessDenied"))
]


@pytest.mark.parametrize(
    ("caller", "action", "path", "document", "journal"),
    [*USER_REFUSALS, *ROLE_REFUSALS, *OTHER_REFUSALS],
)
def test_a_refusal_names_the_policy_that_refused_and_the_caller(
    call: Build,
    caller: Caller,
    action: str,
    path: str,
    document: dict[str, Any],
    journal: dict[str, Any],
) -> None:
    refused = refusal(authorize, call(path, caller=caller), f"oss:{action}")

    assert refused == {**document, "why": journal}
