"""Clients that disconnect during a body or response, or with pipelined requests: no error is
logged.
"""

import logging
import socket
import struct
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from contract.mock_oss.clients import signed_headers
from mock_oss import MockOSS

RESET = struct.pack("ii", 1, 0)
LARGE = 5_000_000


def request(oss: MockOSS, method: str, key: str, body: bytes = b"", *, size: int = 0) -> bytes:
    """Return a signed request; `size` replaces the Content-Length."""
    target, headers = signed_headers(oss, method, key)
    headers["content-length"] = str(size or len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode() + body


def leave(oss: MockOSS, sent: bytes, *, read: int) -> None:
    """Send bytes, read a little, and reset the connection."""
    with socket.create_connection(("127.0.0.1", oss.port), timeout=5) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.sendall(sent)
        if read:
            connection.recv(read)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def in_mid_body(oss: MockOSS) -> None:
    leave(oss, request(oss, "PUT", "a", b"x" * 100_000, size=200_000), read=0)


def in_mid_answer(oss: MockOSS) -> None:
    leave(oss, request(oss, "GET", "large"), read=1000)


def with_requests_waiting(oss: MockOSS) -> None:
    first = request(oss, "PUT", "b", b"hello") + request(oss, "GET", "large")
    leave(oss, first * 3 + b"GET /rubb", read=1000)


def before_a_planned_reset(oss: MockOSS) -> None:
    oss.faults.add("reset", when="before-answer", key="c", times=1)
    leave(oss, request(oss, "PUT", "c", b"x" * 300_000), read=0)


def often(rude: Callable[[MockOSS], None], oss: MockOSS) -> None:
    for _ in range(25):
        rude(oss)


@pytest.mark.parametrize(
    "rude", [in_mid_body, in_mid_answer, with_requests_waiting, before_a_planned_reset]
)
def test_a_client_that_leaves_is_no_error_of_ours(
    mock_oss: MockOSS,
    bucket_v4: Any,
    rude: Callable[[MockOSS], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    bucket_v4.put_object("large", b"x" * LARGE)
    with caplog.at_level(logging.WARNING):
        threads = [Thread(target=often, args=(rude, mock_oss)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while any(record.duration_ms == 0 for record in mock_oss.requests):
            time.sleep(0.01)
        assert bucket_v4.get_object("large").read() == b"x" * LARGE

    assert [record.getMessage() for record in caplog.records if record.levelno > 30] == []


def test_many_answers_wait_for_a_client_that_reads_late(mock_oss: MockOSS, bucket_v4: Any) -> None:
    data = b"x" * 60_000
    bucket_v4.put_object("small", data)
    asked = 100

    with socket.create_connection(("127.0.0.1", mock_oss.port), timeout=5) as connection:
        connection.sendall(request(mock_oss, "GET", "small") * asked)
        read = bytearray()
        while len(read) < asked * (read.find(b"\r\n\r\n") + 4 + len(data)):
            read += connection.recv(1 << 20)

    assert read.count(data) == asked
