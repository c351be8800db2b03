"""Explanations of refused signatures, for requests of the official SDK changed after signing."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from oss2.exceptions import ServerError

from contract.mock_oss.clients import oss2_bucket, send, start_session
from mock_oss import MockOSS

META = "x-oss-meta-owner"


def presigned(bucket: Any, headers: dict[str, str]) -> str:
    """Return the path and query of a presigned PUT."""
    parts = urlsplit(bucket.sign_url("PUT", "a.bin", 60, headers=headers))
    return f"{parts.path}?{parts.query}"


def put(oss: MockOSS, target: str, headers: dict[str, str]) -> int:
    return send(oss, "PUT", target, headers=headers, body=b"x").status


def difference(oss: MockOSS) -> tuple[str, str, str]:
    """Return the cause and the differing values, after checking that the explanation is
    consistent.
    """
    record = oss.requests[-1]
    assert record.code == "SignatureDoesNotMatch"
    why, found = record.why, record.why["first_difference"]
    name = "canonical_request" if "expected_canonical_request" in why else "string_to_sign"
    ours, theirs = (why[f"{whose}_{name}"].encode() for whose in ("expected", "signed"))
    offset = found["offset"]
    assert ours[:offset] == theirs[:offset]
    assert ours[offset : offset + 1] != theirs[offset : offset + 1]
    assert record.compare(theirs.decode()) == {"in": name, **found}
    return why["cause"], found["expected"], found["signed"]


def test_a_presigned_url_used_with_other_headers(mock_oss: MockOSS, bucket: Any) -> None:
    target = presigned(bucket, {"Content-Type": "image/png", META: "alice"})

    assert put(mock_oss, target, {"Content-Type": "image/jpeg", META: "alice"}) == 403

    assert difference(mock_oss) == (
        "Content-Type was sent as 'image/jpeg' and signed as 'image/png'",
        "jpeg",
        "png",
    )


def test_another_value_of_a_meta_header_after_the_right_one(mock_oss: MockOSS, bucket: Any) -> None:
    target = presigned(bucket, {META: "alice"})
    assert put(mock_oss, target, {META: "alice"}) == 200

    assert put(mock_oss, target, {META: "somebody else"}) == 403

    cause, expected, signed = difference(mock_oss)
    assert cause == (
        "this signature was accepted before, for another request: "
        f"the header {META} was 'alice' and is 'somebody else'"
    )
    assert (expected, signed) == ("somebody else", "alice")


def test_what_cannot_be_guessed_can_be_compared(mock_oss: MockOSS, bucket: Any) -> None:
    put(mock_oss, presigned(bucket, {META: "a long story"}), {META: "another one"})
    record = mock_oss.requests[-1]
    assert "first_difference" not in record.why
    assert "compare()" in record.why["cause"]
    name = "expected_canonical_request"
    ours = record.why.get(name, record.why["expected_string_to_sign"])
    signed = ours.replace("another one", "a long story")

    answer = send(
        mock_oss,
        "POST",
        f"/_mock/requests/{record.number}/compare",
        body=json.dumps({"signed": signed}).encode(),
    )

    found = json.loads(answer.body)
    assert found == record.compare(signed)
    assert (found["expected"], found["signed"]) == ("nother one", " long story")
    assert record.compare(ours) == {}
    assert record.compare(record.why["expected_string_to_sign"]) == {}


def test_only_a_refused_signature_can_be_compared(mock_oss: MockOSS, bucket: Any) -> None:
    bucket.put_object("a", b"")
    number = mock_oss.requests[-1].number

    for path, body, status in (
        (number, b'{"signed": "x"}', 400),
        (number, b"{}", 400),
        (number + 1, b'{"signed": "x"}', 404),
        ("x", b'{"signed": "x"}', 404),
    ):
        answer = send(mock_oss, "POST", f"/_mock/requests/{path}/compare", body=body)
        assert answer.status == status, path


def test_the_journal_shows_no_token_in_what_was_signed(mock_oss: MockOSS) -> None:
    key_id, _, token = start_session(mock_oss)

    with pytest.raises(ServerError, match="SignatureDoesNotMatch"):
        oss2_bucket(mock_oss, credentials=(key_id, "wrong", token)).put_object("a", b"x")

    record = mock_oss.requests[-1]
    assert f"x-oss-security-token:{token}" in record.why["expected_canonical_request"]
    assert str(token) not in json.dumps(record.as_dict())
