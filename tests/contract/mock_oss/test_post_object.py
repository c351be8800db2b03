"""PostObject: V1, V4 and anonymous forms, all kinds of conditions, all responses."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from contract.mock_oss.clients import ALLOW_ALL, REGION, send, start_session
from contract.mock_oss.matrix import ADMIN
from contract.mock_oss.post_forms import BOUNDARY, form, policy_of, post, v1_fields, v4_fields
from mock_oss import BUCKET, BucketSpec, Clock, MockOSS, User, World
from mock_oss.signing import v4
from mock_oss.store import SessionRecord
from support.vectors import load

# The fields of the other vectors do not satisfy the conditions of their signed policies.
COMPLETE = [
    v for v in load("post_policy")["vectors"] if v["id"] in ("post/permanent-key", "post/sts")
]


@pytest.mark.parametrize("vector", COMPLETE, ids=lambda v: v["id"])
def test_forms_that_the_sdk_signed_are_taken(vector: Any) -> None:
    key_id, secret = vector["access_key_id"], vector["access_key_secret"]
    world = World(
        users=(User(name="u", keys={key_id: secret}, policies=(ALLOW_ALL,)),),
        roles=(ADMIN,),
        buckets=(BucketSpec(name="examplebucket", region=vector["region"]),),
    )
    if vector["security_token"]:
        world = replace(world, users=())
    fields = {
        **vector["form_fields_v4"],
        "success_action_status": "200",
        "Content-Type": "image/png",
    }
    clock = Clock(datetime.fromisoformat("2026-03-14T09:27:53Z"))
    with MockOSS(world=world, clock=clock) as oss:
        if vector["security_token"]:
            token, ends_ms = vector["security_token"], 2_000_000_000_000
            session = SessionRecord(key_id, secret, token, ADMIN.arn, "s", "", ends_ms)
            oss.store.sessions.put(session)

        answer = post(oss, form(fields), bucket="examplebucket")

        assert answer.status == 200, answer.body
        stored = oss.bucket("examplebucket").objects["user/alice/photo.jpg"]
        assert (stored.data, stored.headers["content-type"]) == (b"hello", "image/png")


SIGNERS = [pytest.param(v1_fields, id="v1"), pytest.param(v4_fields, id="v4")]
HOLDS = [
    {"bucket": BUCKET},
    ["eq", "$key", "dir/${filename}"],
    ["content-length-range", 5, 5],
    ["eq", "$x-oss-meta-price", "\\$5"],
]


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("condition", HOLDS, ids=json.dumps)
def test_a_condition_that_holds_lets_the_file_in(
    mock_oss: MockOSS, signer: Any, condition: object
) -> None:
    fields = {
        "key": "dir/${filename}",
        "bucket": "other",  # no field says which bucket it is
        "Content-Type": "text/x",
        "x-oss-meta-price": "$5",
        **signer(mock_oss, [condition]),
    }

    answer = post(mock_oss, form(fields))

    assert answer.status == 204, answer.body
    assert mock_oss.bucket(BUCKET).objects["dir/f.txt"].data == b"hello"
    assert answer.headers["ETag"] == '"5D41402ABC4B2A76B9719D911017C592"'


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_condition_that_fails_is_quoted_in_the_refusal(mock_oss: MockOSS, signer: Any) -> None:
    condition = {"bucket": "other"}
    fields = {"key": "dir/a", "bucket": "other", **signer(mock_oss, [condition])}

    answer = post(mock_oss, form(fields))

    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert answer.xml("Message") == (
        f"Invalid according to Policy: Policy Condition failed: {json.dumps(condition)}"
    )
    assert len(mock_oss.bucket(BUCKET).objects) == 0


@pytest.mark.parametrize(
    ("range_", "code"), [([6, 9], "EntityTooSmall"), ([0, 4], "EntityTooLarge")]
)
def test_the_length_of_the_file_has_its_own_codes(
    mock_oss: MockOSS, range_: list[int], code: str
) -> None:
    fields = {"key": "a", **v4_fields(mock_oss, [["content-length-range", *range_]])}

    answer = post(mock_oss, form(fields))

    assert (answer.status, answer.code) == (400, code)
    assert mock_oss.store.blobs.names() == set()
    assert mock_oss.requests[-1].why == {
        "kind": "form policy",
        "statement": json.dumps(["content-length-range", *range_]),
        "field": "5",
    }


def test_a_wrong_signature_is_refused_in_both_versions(mock_oss: MockOSS) -> None:
    for fields, name in (
        (v1_fields(mock_oss, []), "Signature"),
        (v4_fields(mock_oss, []), "x-oss-signature"),
    ):
        answer = post(mock_oss, form({"key": "a", **fields, name: "0"}))

        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


NOON = datetime.fromisoformat("2026-11-28T12:00:00Z")
EXPIRED = (403, "AccessDenied", "Invalid according to Policy: Policy expired.")


def outcome(fields: Mapping[str, str]) -> tuple[int, str, str]:
    """Return status, code and message of a form that arrives at noon."""
    with MockOSS(clock=Clock(NOON, frozen=True)) as oss:
        answer = post(oss, form({"key": "a", **fields}))
        assert bool(oss.bucket(BUCKET).objects) is (answer.status < 300)
    if answer.status < 300:
        return answer.status, "", ""
    return answer.status, answer.code, answer.xml("Message")


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize(
    ("expiration", "valid"),
    [("2026-11-28T12:00:00.000Z", True), ("2026-11-28T11:59:59.999Z", False)],
)
def test_a_form_is_taken_up_to_the_expiration_of_its_policy(
    signer: Any, expiration: str, valid: bool
) -> None:
    with MockOSS(clock=Clock(NOON, frozen=True)) as oss:
        fields = signer(oss, [], expiration=expiration)

    assert outcome(fields) == ((204, "", "") if valid else EXPIRED)


@pytest.mark.parametrize(
    ("age", "valid"),
    [
        (timedelta(days=7), True),
        (timedelta(days=7, seconds=1), False),
        (timedelta(minutes=-15), True),
        (timedelta(minutes=-15, seconds=-1), False),
    ],
    ids=["7 days", "more than 7 days", "15 minutes ahead", "more than 15 minutes ahead"],
)
def test_a_v4_form_is_taken_for_seven_days_after_its_date(age: timedelta, valid: bool) -> None:
    with MockOSS(clock=Clock(NOON, frozen=True)) as oss:
        fields = v4_fields(oss, [], at=NOON - age)

    assert outcome(fields) == ((204, "", "") if valid else EXPIRED)


@pytest.mark.parametrize(
    ("scope", "ec"),
    [({"scope_date": "20261127"}, "0002-00000709"), ({"region": "cn-beijing"}, "0002-00000229")],
    ids=["another day", "another region"],
)
def test_the_scope_of_a_v4_form_is_its_day_and_the_region_of_the_bucket(
    scope: dict[str, Any], ec: str
) -> None:
    with MockOSS(clock=Clock(NOON, frozen=True)) as oss:
        answer = post(oss, form({"key": "a", **v4_fields(oss, [], **scope)}))

    assert (answer.status, answer.code, answer.xml("EC")) == (400, "InvalidArgument", ec)


SIGNING_FIELDS = [
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-security-token",
]


def with_policy(fields: Mapping[str, str], secret: str, policy: str) -> dict[str, str]:
    """Return the fields of a V4 form with another policy and its signature."""
    key = v4.signing_key(secret, fields["x-oss-date"][:8], REGION)
    return {**fields, "policy": policy, "x-oss-signature": v4.signature(key, policy)}


@pytest.mark.parametrize("name", SIGNING_FIELDS)
def test_a_v4_policy_must_list_the_signing_fields(mock_oss: MockOSS, name: str) -> None:
    credentials = start_session(mock_oss)
    fields = v4_fields(mock_oss, [], credentials=credentials)
    listed = [{n: fields[n]} for n in SIGNING_FIELDS if n != name]
    incomplete = with_policy(fields, credentials[1], policy_of(mock_oss, listed))

    answer = post(mock_oss, form({"key": "uploads/a", **incomplete}))

    assert (answer.status, answer.code) == (400, "InvalidPolicyDocument")
    assert mock_oss.requests[-1].why["missing"] == [name]


@pytest.mark.parametrize("name", SIGNING_FIELDS)
def test_the_signing_fields_equal_those_of_the_policy(mock_oss: MockOSS, name: str) -> None:
    credentials = start_session(mock_oss)
    fields = v4_fields(mock_oss, [], credentials=credentials)
    listed = [{n: fields[n] + ("x" if n == name else "")} for n in SIGNING_FIELDS]
    other = with_policy(fields, credentials[1], policy_of(mock_oss, listed))

    answer = post(mock_oss, form({"key": "uploads/a", **other}))

    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert "Policy Condition failed" in answer.xml("Message")


@pytest.mark.parametrize(
    ("signer", "name", "value"),
    [
        *((v1_fields, name, None) for name in ("OSSAccessKeyId", "policy", "Signature")),
        *((v4_fields, name, None) for name in (*SIGNING_FIELDS[:3], "policy", "x-oss-signature")),
        (v4_fields, "x-oss-signature-version", "OSS4-HMAC-SHA1"),
        (v4_fields, "x-oss-credential", "a"),
        (v4_fields, "x-oss-date", "2026-11-28T12:00:00Z"),
        (v4_fields, "x-oss-date", "20261128T250000Z"),
    ],
)
def test_a_signature_needs_all_its_fields_in_their_formats(
    mock_oss: MockOSS, signer: Any, name: str, value: str | None
) -> None:
    fields = {"key": "a", **signer(mock_oss, []), name: value}

    answer = post(mock_oss, form({n: text for n, text in fields.items() if text is not None}))

    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({}, 204),
        ({"success_action_status": "200"}, 200),
        ({"success_action_status": "201"}, 201),
        ({"success_action_status": "418"}, 204),
        ({"success_action_redirect": "http://example.com/done?x=1"}, 303),
        ({"success_action_redirect": "http://example.com/done"}, 303),
    ],
    ids=["default", "200", "201", "unknown", "redirect", "redirect without query"],
)
def test_the_form_chooses_the_answer(mock_oss: MockOSS, extra: dict[str, str], status: int) -> None:
    answer = post(mock_oss, form({"key": "a b", **v1_fields(mock_oss, []), **extra}))

    assert answer.status == status
    location = answer.headers["Location"]
    if status == 303:
        joined = "&" if "?" in extra["success_action_redirect"] else "?"
        assert location.startswith(
            f"{extra['success_action_redirect']}{joined}bucket=web-direct-upload&etag="
        )
    else:
        assert location == f"http://127.0.0.1:{mock_oss.port}/{BUCKET}/a%20b"
    if status == 201:
        assert (answer.xml("Bucket"), answer.xml("Key")) == (BUCKET, "a b")


def test_fields_after_the_file_and_repeated_fields_count_for_nothing(mock_oss: MockOSS) -> None:
    late = form({"success_action_status": "200"}, None).decode().partition(f"--{BOUNDARY}--")[0]
    fields = {"key": "first", **v1_fields(mock_oss, []), "Key": "second"}

    answer = post(mock_oss, form(fields, after=late))

    assert answer.status == 204
    assert list(mock_oss.bucket(BUCKET).objects) == ["first"]


def test_fields_may_forbid_overwriting_and_set_properties(mock_oss: MockOSS) -> None:
    fields = {
        "KEY": "a",
        **v1_fields(mock_oss, []),
        "x-oss-forbid-overwrite": "true",
        "x-oss-object-acl": "public-read",
        "x-oss-storage-class": "IA",
        "x-oss-meta-a": "1",
        "Cache-Control": "no-cache",
        "Content-Type": "text/usual",
        "x-oss-content-type": "text/special",
    }

    assert post(mock_oss, form(fields)).status == 204
    again = post(mock_oss, form(fields, b"other"))

    assert (again.status, again.code) == (409, "FileAlreadyExists")
    stored = mock_oss.bucket(BUCKET).objects["a"]
    assert (stored.acl, stored.storage_class) == ("public-read", "IA")
    assert stored.headers == {
        "content-type": "text/special",
        "cache-control": "no-cache",
        "x-oss-meta-a": "1",
    }


def test_an_unsigned_form_needs_a_public_bucket() -> None:
    public = BucketSpec(name="public", acl="public-read-write")
    with MockOSS(buckets=[public, "private"]) as oss:
        taken = post(oss, form({"key": "a"}), bucket="public")
        refused = post(oss, form({"key": "a"}), bucket="private")

    assert taken.status == 204
    assert (refused.status, refused.code) == (403, "AccessDenied")


def test_a_large_file_is_streamed(mock_oss: MockOSS) -> None:
    data = bytes(range(256)) * 20_000

    answer = post(mock_oss, form({"key": "a", **v1_fields(mock_oss, [])}, data))

    assert answer.status == 204
    assert mock_oss.bucket(BUCKET).objects["a"].data == data


END = f"--{BOUNDARY}--\r\n".encode()
SECOND_FILE = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="g"\r\n\r\nx\r\n'
)


def test_forms_that_are_no_upload_have_their_codes(mock_oss: MockOSS) -> None:
    good = {"key": "a", **v1_fields(mock_oss, [])}
    whole = form(good)
    cases = {
        "no key": (form({**good, "key": ""}), "InvalidArgument"),
        "no file": (form(good, None), "IncorrectNumberOfFilesInPOSTRequest"),
        "two files": (form(good, after=SECOND_FILE), "IncorrectNumberOfFilesInPOSTRequest"),
        "cut off": (whole[:-10], "MalformedPOSTRequest"),
        "no form": (b"hello", "MalformedPOSTRequest"),
        "empty": (b"", "MalformedPOSTRequest"),
        "long field": (form({**good, "x": "y" * (2 << 20) + "y"}), "FieldItemTooLong"),
        "long name": (form({**good, "x" * 8193: "y"}), "FieldItemTooLong"),
        "many fields": (
            b"".join([form({str(index): ""}, None)[: -len(END)] for index in range(8_193)]) + END,
            "MaxPOSTPreDataLengthExceededError",
        ),
        "bad policy": (form({**good, "policy": "!"}), "SignatureDoesNotMatch"),
    }
    for name, (body, code) in cases.items():
        assert (name, post(mock_oss, body).code) == (name, code)
    plain = send(mock_oss, "POST", f"/{BUCKET}/", headers={"Content-Type": "text/x"}, body=whole)
    assert plain.code == "RequestIsNotMultiPartContent"
    assert len(mock_oss.bucket(BUCKET).objects) == 0


def test_names_of_fields_may_have_8_kb(mock_oss: MockOSS) -> None:
    fields = {"key": "a", **v1_fields(mock_oss, [["eq", "$key", "a"]]), "x" * 8192: "y"}

    assert post(mock_oss, form(fields)).status == 204
