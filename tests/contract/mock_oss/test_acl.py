"""ACLs of buckets and objects: the rights of anonymous callers, and of callers whom no policy
allows the action.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

import pytest
from oss2.models import BucketVersioningConfig

from contract.mock_oss.clients import (
    Answer,
    Credentials,
    oss2_bucket,
    refusal,
    send,
    signed_headers,
    start_session,
)
from contract.mock_oss.post_forms import form, post, v4_fields
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BucketSpec, MockOSS, Role, User, World

ACLS = ("private", "public-read", "public-read-write")
NAME = "open"
KEY, REPLACED, DELETED = "a", "replaced", "deleted"
DENIED = (403, "AccessDenied")


def policy(effect: str, action: str, resource: str = "*") -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": "1", "Statement": [statement]})


@pytest.fixture
def oss(request: pytest.FixtureRequest) -> Iterator[MockOSS]:
    """A mock with a bucket and some objects; the parameter is (bucket ACL, object ACL)."""
    bucket_acl, object_acl = request.param
    with MockOSS(buckets=[BucketSpec(name=NAME, acl=bucket_acl)]) as oss:
        for key in (KEY, REPLACED, DELETED):
            acl = {"x-oss-object-acl": object_acl}
            oss2_bucket(oss, NAME).put_object(key, b"hello", headers=acl)
        yield oss


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A request without a signature."""

    method: str
    target: str
    body: bytes | None = None

    def status(self, oss: MockOSS, upload_id: str) -> int:
        return send(oss, self.method, self.target.format(id=upload_id), body=self.body).status


OF_OBJECT_READ = {
    "get": Attempt(method="GET", target=f"/{NAME}/{KEY}"),
    "head": Attempt(method="HEAD", target=f"/{NAME}/{KEY}"),
    "meta": Attempt(method="HEAD", target=f"/{NAME}/{KEY}?objectMeta"),
}
OF_OBJECT_WRITE = {
    "begin parts": Attempt(method="POST", target=f"/{NAME}/{KEY}?uploads", body=b""),
    "part": Attempt(
        method="PUT", target=f"/{NAME}/{KEY}?partNumber=1&uploadId={{id}}", body=b"part"
    ),
    "replace": Attempt(method="PUT", target=f"/{NAME}/{REPLACED}", body=b"x"),
    "delete": Attempt(method="DELETE", target=f"/{NAME}/{DELETED}"),
}
OF_BUCKET_READ = {
    "list": Attempt(method="GET", target=f"/{NAME}/"),
    "list v2": Attempt(method="GET", target=f"/{NAME}/?list-type=2"),
}
OF_BUCKET_WRITE = {
    "create": Attempt(method="PUT", target=f"/{NAME}/new", body=b"x"),
    "append": Attempt(method="POST", target=f"/{NAME}/log?append&position=0", body=b"x"),
    "parts": Attempt(method="GET", target=f"/{NAME}/{KEY}?uploadId={{id}}"),
    "uploads": Attempt(method="GET", target=f"/{NAME}/?uploads"),
    "abort": Attempt(method="DELETE", target=f"/{NAME}/{KEY}?uploadId={{id}}"),
}
FOR_OWNERS = {
    "object acl": Attempt(method="GET", target=f"/{NAME}/{KEY}?acl"),
    "set object acl": Attempt(method="PUT", target=f"/{NAME}/{KEY}?acl", body=b""),
    "object tags": Attempt(method="GET", target=f"/{NAME}/{KEY}?tagging"),
    "bucket acl": Attempt(method="GET", target=f"/{NAME}/?acl"),
    "set bucket acl": Attempt(method="PUT", target=f"/{NAME}/?acl", body=b""),
    "info": Attempt(method="GET", target=f"/{NAME}/?bucketInfo"),
    "cors": Attempt(method="GET", target=f"/{NAME}/?cors"),
    "delete bucket": Attempt(method="DELETE", target=f"/{NAME}/"),
    "list buckets": Attempt(method="GET", target="/"),
}
EVERYTHING = {
    **OF_OBJECT_READ,
    **OF_OBJECT_WRITE,
    **OF_BUCKET_READ,
    **OF_BUCKET_WRITE,
    **FOR_OWNERS,
}


@pytest.mark.parametrize(
    "oss",
    [(bucket, object_) for bucket in ACLS for object_ in ("default", *ACLS)],
    indirect=True,
    ids=lambda acls: " ".join(acls),
)
def test_an_anonymous_caller_has_the_rights_of_the_acls_and_no_others(
    oss: MockOSS, request: pytest.FixtureRequest
) -> None:
    bucket_acl, object_acl = request.node.callspec.params["oss"]
    of_object = bucket_acl if object_acl == "default" else object_acl
    expected = {
        **dict.fromkeys(OF_OBJECT_READ, of_object != "private"),
        **dict.fromkeys(OF_OBJECT_WRITE, of_object == "public-read-write"),
        **dict.fromkeys(OF_BUCKET_READ, bucket_acl != "private"),
        **dict.fromkeys(OF_BUCKET_WRITE, bucket_acl == "public-read-write"),
        **dict.fromkeys(FOR_OWNERS, False),
    }
    upload_id = oss2_bucket(oss, NAME).init_multipart_upload(KEY).upload_id

    statuses = {name: attempt.status(oss, upload_id) for name, attempt in EVERYTHING.items()}

    assert {name: status < 300 for name, status in statuses.items()} == expected
    assert {statuses[name] for name, allowed in expected.items() if not allowed} == {403}


@pytest.mark.parametrize("acl", ACLS)
def test_an_anonymous_upload_in_parts_needs_a_bucket_that_anyone_may_write(acl: str) -> None:
    with MockOSS(buckets=[BucketSpec(name=NAME, acl=acl)]) as oss:
        target = f"/{NAME}/big"
        begun = send(oss, "POST", f"{target}?uploads", body=b"")
        if acl != "public-read-write":
            assert (begun.status, begun.code) == DENIED
            return
        upload = f"uploadId={begun.xml('UploadId')}"
        part = send(oss, "PUT", f"{target}?partNumber=1&{upload}", body=b"hello")
        parts = f"<Part><PartNumber>1</PartNumber><ETag>{part.headers['ETag']}</ETag></Part>"
        document = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()

        assert send(oss, "POST", f"{target}?{upload}", body=document).status == 200
        assert oss.bucket(NAME).objects["big"].data == b"hello"


READER = Role(name="reader", policies=(policy("Allow", "oss:GetObject"),))
NOTHING = Role(name="nothing")
DENIES = Role(name="denies", policies=(policy("Deny", "oss:PutObject"),))
FOREIGN = Role(name="foreign", account_id="2", policies=(policy("Allow", "oss:*"),))
WORLD = World(
    users=(
        User(
            name="owner", keys={ACCESS_KEY_ID: ACCESS_KEY_SECRET}, policies=(policy("Allow", "*"),)
        ),
        User(name="nothing", keys={"LTAInothing": "s"}),
        User(name="denied", keys={"LTAIdenied": "s"}, policies=(policy("Deny", "oss:PutObject"),)),
        User(name="root", account_id="2", keys={"LTAIforeign": "s"}),
    ),
    roles=(READER, NOTHING, DENIES, FOREIGN),
    buckets=(BucketSpec(name=NAME, acl="public-read-write"),),
)
PUT_HERE, PUT_ELSEWHERE, READ_HERE, NEVER = (
    policy("Allow", "oss:PutObject", f"acs:oss:*:*:{NAME}/*"),
    policy("Allow", "oss:PutObject", f"acs:oss:*:*:{NAME}/other/*"),
    policy("Allow", "oss:GetObject", f"acs:oss:*:*:{NAME}/*"),
    policy("Deny", "oss:PutObject", f"acs:oss:*:*:{NAME}/*"),
)
SESSIONS = [
    # role, session policy, whether the public ACL still allows PutObject, the deciding policy
    pytest.param(READER, "", True, "", id="role is silent"),
    pytest.param(NOTHING, "", True, "", id="role has no policy"),
    pytest.param(DENIES, "", False, "AssumeRolePolicy ExplicitDeny", id="role denies"),
    pytest.param(READER, PUT_HERE, True, "", id="session allows, role is silent"),
    pytest.param(DENIES, PUT_HERE, False, "AssumeRolePolicy ExplicitDeny", id="role denies still"),
    pytest.param(READER, READ_HERE, False, "SessionPolicy ImplicitDeny", id="session is silent"),
    pytest.param(
        READER, PUT_ELSEWHERE, False, "SessionPolicy ImplicitDeny", id="session names other keys"
    ),
    pytest.param(READER, NEVER, False, "SessionPolicy ExplicitDeny", id="session denies"),
    pytest.param(FOREIGN, "", True, "", id="other account"),
    pytest.param(FOREIGN, PUT_HERE, True, "", id="other account, session allows"),
    pytest.param(
        FOREIGN, READ_HERE, False, "SessionPolicy ImplicitDeny", id="other account, silent"
    ),
]


def put(oss: MockOSS, credentials: Credentials) -> Answer:
    return post(oss, form({"key": KEY, **v4_fields(oss, [], credentials=credentials)}), bucket=NAME)


@pytest.mark.parametrize(("role", "session_policy", "allowed", "detail"), SESSIONS)
def test_a_public_acl_gives_a_session_nothing_that_its_session_policy_does_not_allow(
    role: Role, session_policy: str, allowed: bool, detail: str
) -> None:
    with MockOSS(world=WORLD) as oss:
        answer = put(oss, start_session(oss, policy=session_policy, role_arn=role.arn))

        assert bool(oss.bucket(NAME).objects) is allowed
    if allowed:
        assert answer.status == 204
        return
    assert (answer.status, answer.code) == DENIED
    found = (answer.xml(f"AccessDeniedDetail/{n}") for n in ("PolicyType", "NoPermissionType"))
    assert " ".join(found) == detail
    if detail == "SessionPolicy ImplicitDeny":
        assert answer.xml("Message") == "Access denied by authorizer's policy."
        assert answer.xml("EC") == "0003-00000301"


@pytest.mark.parametrize(
    ("acl", "status"), [("private", 403), ("public-read", 403), ("public-read-write", 204)]
)
def test_an_object_acl_gives_a_session_nothing_that_its_session_policy_does_not_allow(
    acl: str, status: int
) -> None:
    with MockOSS(world=WORLD) as oss:
        oss2_bucket(oss, NAME).put_object(KEY, b"hello", headers={"x-oss-object-acl": acl})

        silent = put(oss, start_session(oss, policy=READ_HERE, role_arn=READER.arn))
        allowing = put(oss, start_session(oss, "bob", policy=PUT_HERE, role_arn=READER.arn))

    assert (silent.status, allowing.status) == (403, status)


@pytest.mark.parametrize(
    ("key_id", "status"),
    [("LTAInothing", 204), ("LTAIforeign", 204), ("LTAIdenied", 403)],
    ids=["no policy", "root of another account", "denied by a policy"],
)
def test_a_public_acl_decides_if_no_policy_does(key_id: str, status: int) -> None:
    with MockOSS(world=WORLD) as oss:
        assert put(oss, (key_id, "s", None)).status == status


@pytest.mark.parametrize("key_id", ["LTAInothing", "LTAIforeign"])
def test_a_public_acl_opens_no_management_operation(key_id: str) -> None:
    with MockOSS(world=WORLD) as oss:
        bucket = oss2_bucket(oss, NAME, credentials=(key_id, "s", None))
        for call in (bucket.get_bucket_acl, bucket.get_bucket_info, bucket.get_bucket_cors):
            with pytest.raises(Exception, match="AccessDenied"):
                call()


@pytest.mark.parametrize(
    "oss",
    [("private", "public-read-write"), ("public-read-write", "private")],
    indirect=True,
    ids=lambda acls: " ".join(acls),
)
def test_a_batch_delete_needs_the_right_to_write_every_object(oss: MockOSS) -> None:
    oss2_bucket(oss, NAME).put_object("default", b"hello")
    stored = list(oss.bucket(NAME).objects)
    body = "".join(f"<Object><Key>{key}</Key></Object>" for key in ("default", DELETED))
    document = f"<Delete>{body}</Delete>".encode()
    digest = b64encode(md5(document, usedforsecurity=False).digest()).decode()

    answer = send(oss, "POST", f"/{NAME}/?delete", headers={"Content-MD5": digest}, body=document)

    assert (answer.status, answer.code) == DENIED
    assert list(oss.bucket(NAME).objects) == stored


@pytest.fixture
def blocked() -> Iterator[MockOSS]:
    """A mock with a bucket that everybody may read and write, and Block Public Access on."""
    with MockOSS(buckets=[BucketSpec(name=NAME, acl="public-read-write")]) as oss:
        oss2_bucket(oss, NAME).put_bucket_public_access_block(True)
        yield oss


def test_block_public_access_takes_the_rights_of_public_acls_away(blocked: MockOSS) -> None:
    bucket = oss2_bucket(blocked, NAME)
    bucket.put_object(KEY, b"hello")

    denied = send(blocked, "GET", f"/{NAME}/{KEY}")
    bucket.delete_bucket_public_access_block()
    given = send(blocked, "GET", f"/{NAME}/{KEY}")

    assert (denied.status, denied.code) == DENIED
    assert (given.status, given.body) == (200, b"hello")


def test_block_public_access_refuses_public_acls(blocked: MockOSS) -> None:
    bucket = oss2_bucket(blocked, NAME)
    bucket.put_object(KEY, b"hello", headers={"x-oss-object-acl": "private"})
    public = {"x-oss-object-acl": "public-read"}

    for call in (
        lambda: bucket.put_bucket_acl("public-read"),
        lambda: bucket.put_object(KEY, b"1", headers=public),
        lambda: bucket.put_object_acl(KEY, "public-read"),
        lambda: bucket.init_multipart_upload(KEY, headers=public),
        lambda: bucket.append_object("log", 0, b"1", headers=public),
        lambda: bucket.copy_object(NAME, KEY, "copy", headers=public),
    ):
        assert refusal(call) == DENIED
        assert blocked.requests[-1].message.startswith("Put public ")
    bucket.put_bucket_acl("private")
    bucket.put_object_acl(KEY, "private")

    assert bucket.get_object(KEY).read() == b"hello"


def test_block_public_access_is_on_in_new_buckets_if_the_world_says_so(tmp_path: Path) -> None:
    path = tmp_path / "world.toml"
    path.write_text("block_public_access = true")
    with MockOSS(world=World.load(path)) as oss:
        new, old = oss2_bucket(oss, "new"), oss2_bucket(oss)

        assert refusal(new.create_bucket, "public-read") == DENIED
        assert refusal(new.put_bucket_acl, "public-read") == DENIED
        new.create_bucket()

        assert new.get_bucket_public_access_block().block_public_access
        assert not old.get_bucket_public_access_block().block_public_access


def test_block_public_access_and_versioning_survive_a_restart(tmp_path: Path) -> None:
    with MockOSS(data_dir=tmp_path) as oss:
        bucket = oss2_bucket(oss)
        bucket.put_bucket_public_access_block(True)
        bucket.put_bucket_versioning(BucketVersioningConfig("Enabled"))
    with MockOSS(data_dir=tmp_path) as oss:
        bucket = oss2_bucket(oss)

        assert bucket.get_bucket_public_access_block().block_public_access
        assert bucket.get_bucket_versioning().status == "Enabled"
        info = bucket.get_bucket_info()
        assert info.versioning_status == "Enabled"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (
            "publicAccessBlock",
            b"<PublicAccessBlockConfiguration><BlockPublicAccess>yes"
            b"</BlockPublicAccess></PublicAccessBlockConfiguration>",
        ),
        ("versioning", b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>"),
        ("versioning", b"<VersioningConfiguration/>"),
    ],
)
def test_wrong_switches_are_malformed(mock_oss: MockOSS, query: str, body: bytes) -> None:
    target, headers = signed_headers(mock_oss, "PUT", "", query={query: ""})

    answer = send(mock_oss, "PUT", target, headers=headers, body=body)

    assert (answer.status, answer.code) == (400, "MalformedXML")
