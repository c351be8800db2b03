"""ACLs of buckets and objects: the rights of anonymous callers, and of callers whom no policy
allows the action.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from oss2.utils import content_md5

from contract.mock_oss.clients import ask, oss2_bucket, refusal, send
from mock_oss import BucketSpec, MockOSS, World

ACLS = ("private", "public-read", "public-read-write")
NAME = "open"
KEY, REPLACED, DELETED = "a", "replaced", "deleted"
DENIED = (403, "AccessDenied")


@pytest.fixture
def oss(request: pytest.FixtureRequest) -> Iterator[MockOSS]:
    """A mock with a bucket and some objects; the parameter is (bucket ACL, object ACL)."""
    bucket_acl, object_acl = request.param
    with MockOSS(buckets=[BucketSpec(name=NAME, acl=bucket_acl)]) as oss:
        for key in (KEY, REPLACED, DELETED):
            acl = {"x-oss-object-acl": object_acl}
            oss2_bucket(oss, NAME).put_object(key, b"hello", headers=acl)
        yield oss


# Name -> method and target of a request without a signature; PUT and POST send a body.
OF_OBJECT_READ = {
    "get": f"GET /{NAME}/{KEY}",
    "head": f"HEAD /{NAME}/{KEY}",
    "meta": f"HEAD /{NAME}/{KEY}?objectMeta",
}
OF_OBJECT_WRITE = {
    "begin parts": f"POST /{NAME}/{KEY}?uploads",
    "part": f"PUT /{NAME}/{KEY}?partNumber=1&uploadId={{id}}",
    "replace": f"PUT /{NAME}/{REPLACED}",
    "delete": f"DELETE /{NAME}/{DELETED}",
}
OF_BUCKET_READ = {"list": f"GET /{NAME}/", "list v2": f"GET /{NAME}/?list-type=2"}
OF_BUCKET_WRITE = {
    "create": f"PUT /{NAME}/new",
    "append": f"POST /{NAME}/log?append&position=0",
    "parts": f"GET /{NAME}/{KEY}?uploadId={{id}}",
    "uploads": f"GET /{NAME}/?uploads",
    "abort": f"DELETE /{NAME}/{KEY}?uploadId={{id}}",
}
FOR_OWNERS = {
    "object acl": f"GET /{NAME}/{KEY}?acl",
    "set object acl": f"PUT /{NAME}/{KEY}?acl",
    "object tags": f"GET /{NAME}/{KEY}?tagging",
    "bucket acl": f"GET /{NAME}/?acl",
    "set bucket acl": f"PUT /{NAME}/?acl",
    "info": f"GET /{NAME}/?bucketInfo",
    "cors": f"GET /{NAME}/?cors",
    "delete bucket": f"DELETE /{NAME}/",
    "list buckets": "GET /",
}
EVERYTHING = OF_OBJECT_READ | OF_OBJECT_WRITE | OF_BUCKET_READ | OF_BUCKET_WRITE | FOR_OWNERS


def status(oss: MockOSS, attempt: str, upload_id: str) -> int:
    method, _, target = attempt.format(id=upload_id).partition(" ")
    return send(oss, method, target, body=b"x" if method[0] == "P" else None).status


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

    statuses = {name: status(oss, each, upload_id) for name, each in EVERYTHING.items()}

    assert {name: status < 300 for name, status in statuses.items()} == expected
    assert {statuses[name] for name, allowed in expected.items() if not allowed} == {403}


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
    headers = {"Content-MD5": content_md5(document)}

    answer = send(oss, "POST", f"/{NAME}/?delete", headers=headers, body=document)

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


def test_block_public_access_survives_a_restart(tmp_path: Path) -> None:
    with MockOSS(data_dir=tmp_path) as oss:
        oss2_bucket(oss).put_bucket_public_access_block(True)
    with MockOSS(data_dir=tmp_path) as oss:
        assert oss2_bucket(oss).get_bucket_public_access_block().block_public_access


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
    answer = ask(mock_oss, "PUT", "", query={query: ""}, body=body)

    assert (answer.status, answer.code) == (400, "MalformedXML")
