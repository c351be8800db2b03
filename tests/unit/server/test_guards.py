"""Guards that no whole request can reach: a client that goes away in the middle of its body."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message

from ossferry.errors import BadRequestError
from ossferry.guards import read_json


def test_a_body_that_breaks_off_is_a_bad_request() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"user":', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}
    with pytest.raises(BadRequestError, match="broke off"):
        asyncio.run(read_json(Request(scope, receive)))
