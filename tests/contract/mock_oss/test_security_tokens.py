"""Security tokens: a temporary access key works with its own token only, in every form of a
request.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from oss2.exceptions import ServerError
from Tea.exceptions import TeaException

from contract.mock_oss.clients import Credentials, oss2_bucket, send, start_session, sts_client
from contract.mock_oss.post_forms import form, post, v1_fields, v4_fields
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, MockOSS, User, World

KEY = "uploads/a"
Outcome = tuple[int, str, str]
"""Status, error code and EC of a response."""


def by_header(oss: MockOSS, credentials: Credentials, version: str) -> Outcome:
    bucket = oss2_bucket(oss, version=version, credentials=credentials)
    try:
        return bucket.put_object(KEY, b"hello").status, "", ""
    except ServerError as refused:
        return refused.status, refused.code, refused.ec


def by_url(oss: MockOSS, credentials: Credentials, version: str) -> Outcome:
    bucket = oss2_bucket(oss, version=version, credentials=credentials)
    url = urlsplit(bucket.sign_url("PUT", KEY, 3600, slash_safe=True))
    answer = send(oss, "PUT", f"{url.path}?{url.query}", body=b"hello")
    return _outcome(answer)


def by_form(oss: MockOSS, credentials: Credentials, version: str) -> Outcome:
    fields = (v4_fields if version == "v4" else v1_fields)(oss, [], credentials=credentials)
    return _outcome(post(oss, form({"key": KEY, **fields})))


def _outcome(answer: Any) -> Outcome:
    return answer.status, *((answer.code, answer.xml("EC")) if answer.status >= 300 else ("", ""))


WAYS = [
    pytest.param(way, version, id=f"{way.__name__}-{version}")
    for way in (by_header, by_url, by_form)
    for version in ("v4", "v1")
]
every_way = pytest.mark.parametrize(("put", "version"), WAYS)
Put = Callable[[MockOSS, Credentials, str], Outcome]


@every_way
def test_a_temporary_key_works_with_no_other_token(
    mock_oss: MockOSS, put: Put, version: str
) -> None:
    key_id, secret, _ = start_session(mock_oss)
    _, _, token = start_session(mock_oss, "bob")

    assert put(mock_oss, (key_id, secret, token), version) == (
        403,
        "AccessKeyIdAndSecurityTokenNotMatch",
        "0002-00000004",
    )
    assert mock_oss.requests[-1].why["kind"] == "token"
    assert not mock_oss.bucket(BUCKET).objects


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
