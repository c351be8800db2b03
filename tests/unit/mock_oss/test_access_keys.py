"""Access keys of OSS requests: the key's owner, and the security token that belongs to the key."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mock_oss.access.credentials import find_caller
from mock_oss.clock import Clock
from mock_oss.service import Call
from mock_oss.store.data_directory import Store
from mock_oss.store.records import SessionRecord
from mock_oss.world.model import ROLE_ARN, User, World
from support.mock_calls import mock_call, mock_request
from support.refusals import refusal

END = datetime.fromisoformat("2026-03-14T09:26:53.250Z")
ALICE = User(
    name="alice", account_id="1", keys={"LTAIa": "a", "LTAIoff": "o"}, disabled_keys=("LTAIoff",)
)
ARN = "acs:ram::1:user/alice"


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    """A request, the user alice, and the sessions bob and eve of a role, which end at `END`."""
    store = Store(tmp_path)
    for name in ("bob", "eve"):
        expires_ms = round(END.timestamp() * 1000)
        token = f"töken {name}"
        store.sessions.put(SessionRecord(f"STS.{name}", "s", token, ROLE_ARN, name, "", expires_ms))
    clock = Clock(END, frozen=True)
    yield mock_call(store, "", mock_request(), world=World(users=(ALICE,)), clock=clock)
    store.close()


@pytest.mark.parametrize(
    ("key", "token", "arn"),
    [("LTAIa", None, ARN), ("LTAIa", "", ARN), ("STS.bob", "töken bob", f"{ROLE_ARN}/bob")],
)
def test_a_key_with_its_own_token_identifies_the_caller(
    call: Call, key: str, token: str | None, arn: str
) -> None:
    call.clock.advance(-0.001)

    caller = find_caller(key, token, call)

    assert caller == call.service.identities.find(key)
    assert (call.record.access_key_id, call.record.caller) == (key, arn)


def no_key(access_key_id: str, ec: str, why: dict[str, str]) -> dict[str, Any]:
    return {
        "status": 403,
        "Code": "InvalidAccessKeyId",
        "Message": "The OSS Access Key Id you provided does not exist in our records.",
        "EC": ec,
        "OSSAccessKeyId": access_key_id,
        "why": why,
    }


def bad_token(code: str, message: str, ec: str, **why: str) -> dict[str, Any]:
    why = {"kind": "token", **why}
    return {"status": 403, "Code": code, "Message": message, "EC": ec, "why": why}


NOT_TEMPORARY = {"kind": "token", "key": "is not temporary"}
NO_TOKEN = {"kind": "token", "missing": "a temporary key needs its security token"}
INVALID = bad_token(
    "InvalidSecurityToken",
    "The security token you provided is invalid.",
    "0002-00000006",
    token="of no key",
)
MISMATCH = bad_token(
    "AccessKeyIdAndSecurityTokenNotMatch",
    "The OSS access key id and security token you provided does not match.",
    "0002-00000004",
    token="of another key",
)
EXPIRED = bad_token(
    "SecurityTokenExpired",
    "The security token you provided has expired.",
    "0002-00000007",
    expired_at="2026-03-14T09:26:53.250Z",
)
DISABLED = {
    **no_key("LTAIoff", "0002-00000902", {"kind": "key", "disabled": "LTAIoff"}),
    "Message": "The OSS Access Key Id you provided is disabled.",
}
UNKNOWN = {"kind": "key", "unknown": "LTAIx"}
OF_BOB = f"{ROLE_ARN}/bob"


@pytest.mark.parametrize(
    ("key", "token", "expected", "arn"),
    [
        ("LTAIx", None, no_key("LTAIx", "0002-00000902", UNKNOWN), ""),
        ("LTAIx", "", no_key("LTAIx", "0002-00000902", UNKNOWN), ""),
        ("LTAIx", "token", no_key("LTAIx", "0002-00000002", UNKNOWN), ""),
        ("LTAIoff", None, DISABLED, ARN),
        ("LTAIoff", "token", DISABLED, ARN),
        ("LTAIa", "token", no_key("LTAIa", "0002-00000002", NOT_TEMPORARY), ARN),
        ("LTAIa", "töken bob", no_key("LTAIa", "0002-00000002", NOT_TEMPORARY), ARN),
        ("STS.bob", None, no_key("STS.bob", "0002-00000003", NO_TOKEN), OF_BOB),
        ("STS.bob", "", no_key("STS.bob", "0002-00000003", NO_TOKEN), OF_BOB),
        ("STS.bob", "töken", INVALID, OF_BOB),
        ("STS.bob", "töken eve", MISMATCH, OF_BOB),
        ("STS.bob", "töken bob", EXPIRED, OF_BOB),
    ],
)
def test_another_key_or_token_is_refused_with_the_reason(
    call: Call, key: str, token: str | None, expected: dict[str, Any], arn: str
) -> None:
    assert refusal(find_caller, key, token, call) == expected
    assert (call.record.access_key_id, call.record.caller) == (key, arn)
