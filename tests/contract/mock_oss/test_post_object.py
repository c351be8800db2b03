"""PostObject: V1, V4 and anonymous forms, all kinds of conditions, all responses."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from contract.mock_oss.clients import REGION, send, start_session
from contract.mock_oss.post_forms import BOUNDARY, form, policy_of, post, v1_fields, v4_fields
from mock_oss import BUCKET, BucketSpec, Clock, MockOSS
from mock_oss.signing import v4

SIGNERS = (v1_fields, v4_fields)
HOLDS: list[object] = [
    {"bucket": BUCKET},
    ["eq", "$key", "dir/${filename}"],
    ["content-length-range", 5, 5],
    ["eq", "$x-oss-meta-price", "\\$5"],
]


@pytest.mark.parametrize("signer", SIGNERS)
def test_conditions_that_hold_let_the_file_in(mock_oss: MockOSS, signer: Any) -> None:
    fields = {
        "key": "dir/${filename}",
        "bucket": "other",  # no field says which bucket it is
        "Content-Type": "text/x",
        "x-oss-meta-price": "$5",
        **signer(mock_oss, HOLDS),
    }

    answer = post(mock_oss, form(fields))

    assert answer.status == 204, answer.body
    assert mock_oss.bucket(BUCKET).objects["dir/f.txt"].data == b"hello"
    assert answer.headers["ETag"] == '"5D41402ABC4B2A76B9719D911017C592"'


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
ENDS, ENDED = "2026-11-28T12:00:00.000Z", "2026-11-28T11:59:59.999Z"
AGES = {
    "7 days": (timedelta(days=7), True),
    "more than 7 days": (timedelta(days=7, seconds=1), False),
    "15 minutes ahead": (timedelta(minutes=-15), True),
    "more than 15 minutes ahead": (timedelta(minutes=-15, seconds=-1), False),
}


@pytest.mark.parametrize(
    ("signer", "changes", "valid"),
    [
        *(
            pytest.param(signer, {"expiration": text}, text == ENDS, id=f"{signer.__name__} {text}")
            for signer in SIGNERS
            for text in (ENDS, ENDED)
        ),
        *(
            pytest.param(v4_fields, {"at": NOON - age}, valid, id=name)
            for name, (age, valid) in AGES.items()
        ),
    ],
)
def test_a_form_is_taken_up_to_its_expiration_and_with_v4_for_seven_days(
    signer: Any, changes: dict[str, Any], valid: bool
) -> None:
    with MockOSS(clock=Clock(NOON, frozen=True)) as oss:
        answer = post(oss, form({"key": "a", **signer(oss, [], **changes)}))

        assert bool(oss.bucket(BUCKET).objects) is valid
    found = (answer.status, "" if valid else answer.xml("Message"))
    expired = (403, "Invalid according to Policy: Policy expired.")
    assert found == ((204, "") if valid else expired)


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
