"""The official STS client with answers that a real service or a broken network may give.

A stub gives answers that the mock does not: pages of proxies, partial answers, closed connections.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ossferry.errors import OssferryError, StsLostError, StsRefusedError
from ossferry.oss.sts import StsClient, StsCredentials, access_key
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.server_fakes import OPTIONS
from support.serving import serve

CREDENTIALS = {
    "AccessKeyId": "STS.Stub",
    "AccessKeySecret": "stub-secret",
    "SecurityToken": "stub-token",
    "Expiration": "2026-03-14T10:26:53Z",
}


Ask = Callable[..., StsCredentials]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Return a function that calls AssumeRole; its arguments define the stub's answer."""
    answer: dict[str, Any] = {}

    async def respond(_request: Request) -> Response:
        await asyncio.sleep(answer["wait_s"])
        return Response(answer["body"], answer["status"], media_type="application/json")

    with serve(Starlette(routes=[Route("/", respond, methods=["POST"])])) as url:

        def call(
            body: object = b"",
            *,
            status: int = 200,
            wait_s: float = 0,
            allow_mock: bool = True,
            timeout_s: float = 10,
        ) -> StsCredentials:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            answer.update(body=content, status=status, wait_s=wait_s)
            settings = load_settings(ExplicitSettings, **{**OPTIONS, "sts_endpoint": url})
            settings = settings.model_copy(update={"allow_mock": allow_mock})
            with patch("ossferry.oss.sts.TIMEOUT_S", timeout_s):
                client = StsClient(settings, access_key("LTAI", "secret"))
            return asyncio.run(client(session_name="session", policy="{}"))

        yield call


def error_body(code: str) -> dict[str, str]:
    return {"Code": code, "Message": "canary-words", "RequestId": "ID"}


def test_an_answer_becomes_credentials(ask: Ask) -> None:
    got = ask({"RequestId": "ID", "Credentials": CREDENTIALS})

    assert (got.access_key_id, got.access_key_secret) == ("STS.Stub", "stub-secret")
    assert got.security_token == "stub-token"
    assert got.expires_at.isoformat() == "2026-03-14T10:26:53+00:00"
    assert "stub-secret" not in repr(got)
    assert "stub-token" not in repr(got)


def test_t47_keys_of_a_mock_are_taken_where_one_is_allowed_only(ask: Ask) -> None:
    answer = {"Credentials": {**CREDENTIALS, "AccessKeyId": "STS.NMockOss1234"}}

    assert ask(answer).access_key_id == "STS.NMockOss1234"
    with pytest.raises(StsLostError) as caught:
        ask(answer, allow_mock=False)

    assert caught.value.reason == "a-mock"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "NoPermission"),
        (404, "EntityNotExist.Role"),
        (400, "SignatureDoesNotMatch"),
        (404, "InvalidAccessKeyId.NotFound"),
    ],
)
def test_a_no_is_a_refusal_with_code_and_request_id(ask: Ask, status: int, code: str) -> None:
    with pytest.raises(StsRefusedError) as caught:
        ask(error_body(code), status=status)

    assert (caught.value.sts_code, caught.value.sts_request_id) == (code, "ID")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, error_body("InternalError"), "InternalError"),
        (503, error_body("ServiceUnavailable"), "ServiceUnavailable"),
        (400, error_body("Throttling.User"), "throttled"),
        (502, b"<html>Bad gateway</html>", "unreadable"),
        (200, b"<html>Welcome to the hotel's network</html>", "unreadable"),
        (200, b"", "unreadable"),
        (200, b"[]", "unreadable"),
        (200, {"RequestId": "ID"}, "unreadable"),
        (200, {"Credentials": {**CREDENTIALS, "SecurityToken": ""}}, "unreadable"),
        (200, {"Credentials": {**CREDENTIALS, "Expiration": "tomorrow"}}, "unreadable"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_no_usable_answer_is_a_loss_that_may_be_retried(
    ask: Ask, status: int, body: object, reason: str
) -> None:
    with pytest.raises(StsLostError) as caught:
        ask(body, status=status)

    assert caught.value.reason == reason
    assert caught.value.retryable
    assert (caught.value.retry_after_s or 0) >= 1


def test_r53_silence_is_a_loss_within_the_time_allowed(ask: Ask) -> None:
    with pytest.raises(StsLostError) as caught:
        ask(wait_s=1, timeout_s=0.3)

    assert caught.value.reason == "no-answer"


def test_nobody_listening_is_a_loss() -> None:
    settings = load_settings(ExplicitSettings, **{**OPTIONS, "sts_endpoint": "http://127.0.0.1:1"})
    client = StsClient(settings, access_key("LTAI", "secret"))

    with pytest.raises(OssferryError) as caught:
        asyncio.run(client(session_name="session", policy="{}"))

    assert isinstance(caught.value, StsLostError)
    assert caught.value.reason == "no-answer"
