"""Replays recorded requests of three SDKs; an independent check provided the expected results."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from contract.mock_oss.clients import send
from contract.mock_oss.matrix import ADMIN
from mock_oss import BucketSpec, MockOSS, World
from mock_oss.store import SessionRecord
from support.vectors import load

CAPTURES = load("wire_captures")

# Error codes that replayed operations may get because the bucket lacks their objects.
PAST_THE_SIGNATURE = {"", "NoSuchUpload", "NoSuchKey", "NotImplemented"}


def sent_at(headers: dict[str, str]) -> datetime:
    text = headers.get("x-oss-date") or headers["date"]
    if text.endswith("GMT"):
        return parsedate_to_datetime(text).astimezone(UTC)
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def oss() -> Any:
    world = World(roles=(ADMIN,), buckets=(BucketSpec(name=CAPTURES["bucket"]),))
    with MockOSS(world=world) as mock:
        yield mock


@pytest.mark.parametrize(
    "capture", CAPTURES["captures"], ids=lambda c: f"{c['sdk']} {c['op']}".replace(" ", "-")
)
def test_a_captured_request_gets_the_recorded_verdict(oss: MockOSS, capture: Any) -> None:
    headers = dict(capture["headers"])
    moment = sent_at({name.lower(): value for name, value in headers.items()})
    oss.clock.set(moment)
    more = {"role_arn": ADMIN.arn, "session_name": "capture", "policy": ""}
    expires_ms = int((moment.timestamp() + 3600) * 1000)
    session = SessionRecord(**CAPTURES["credentials"], **more, expires_ms=expires_ms)
    oss.store.sessions.put(session)

    answer = send(
        oss, capture["method"], capture["target"], headers=headers, body=capture["body"].encode()
    )

    code = answer.code if answer.status >= 400 else ""
    if capture["signature_ok"] and answer.status == 400 and "process" in capture["op"]:
        assert "x-oss-process" in (answer.xml("ArgumentName"), answer.xml("Header"))
    elif capture["signature_ok"]:
        assert code in PAST_THE_SIGNATURE
    else:
        assert code == "SignatureDoesNotMatch"
        why = oss.requests[-1].why
        assert why["cause"] in (
            "an empty query value was signed with its '='",
            "the sub-resource x-oss-process was sent and not signed",
        )
        assert "first_difference" in why
