"""Explanations of refused signatures, for requests of the official SDK changed after signing."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from oss2.exceptions import ServerError

from contract.mock_oss.clients import oss2_bucket, send, start_session
from mock_oss import MockOSS


def test_what_cannot_be_guessed_can_be_compared(mock_oss: MockOSS, bucket: Any) -> None:
    name = "x-oss-meta-owner"
    url = urlsplit(bucket.sign_url("PUT", "a.bin", 60, headers={name: "a long story"}))
    send(mock_oss, "PUT", f"{url.path}?{url.query}", headers={name: "another one"}, body=b"x")
    record = mock_oss.requests[-1]
    assert "first_difference" not in record.why
    assert "compare()" in record.why["cause"]
    kind = "canonical_request" if "expected_canonical_request" in record.why else "string_to_sign"
    ours = record.why[f"expected_{kind}"]
    signed = ours.replace("another one", "a long story")

    answer = send(
        mock_oss,
        "POST",
        f"/_mock/requests/{record.number}/compare",
        body=json.dumps({"signed": signed}).encode(),
    )

    found = json.loads(answer.body)
    assert found == record.compare(signed)
    differing = (found["in"], found["expected"], found["signed"])
    assert differing == (kind, "nother one", " long story")
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
