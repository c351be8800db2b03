"""Applies the effects of planned faults to a request and to its response."""

import asyncio
import socket
from collections.abc import Iterable

from mock_oss.clock import Clock, Pace
from mock_oss.errors import ERRORS, RefusedError, STSRefusedError
from mock_oss.faults.plan import Fault
from mock_oss.http.body import Body, CutConnectionError
from mock_oss.http.request import Scope
from mock_oss.http.response import Response
from mock_oss.store.tables import Sessions

_HTML = (
    b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head>"
    b"<body><h1>Welcome</h1><p>Please sign in to use this network.</p></body></html>"
)
DEFAULT_RETRY_AFTER_S = 1


async def apply_before(
    faults: Iterable[Fault], body: Body, *, clock: Clock, sessions: Sessions, sts: bool
) -> Response | None:
    """Apply the effects that planned faults have before the mock processes a request.

    Args:
        faults: the faults that apply to the request.
        body: the body of the request; `bandwidth` and `reset` faults change how it is received.
        clock: the mock's clock, which `clock-jump` faults move.
        sessions: the role sessions in the store, which `expire-tokens` faults end.
        sts: whether the request is for STS; an `error` fault then raises STSRefusedError.

    Returns:
        The response of an `html` fault, or None if the mock must process the request.

    Raises:
        RefusedError, STSRefusedError: an `error` or `unavailable` fault requires an error response.
        CutConnectionError: a `reset` fault requires that the caller cuts the connection; or, during
            a `hang` fault, the client closed only the sending direction of the connection.
        ClientGoneError: the client closed the connection during a `hang` fault.
    """
    for fault in faults:
        match fault.effect:
            case "delay":
                await asyncio.sleep(fault.seconds)
            case "hang":
                await body.wait_for_the_end()
            case "expire-tokens":
                sessions.expire_all(clock.timestamp_ms())
            case "clock-jump":
                clock.advance(fault.seconds)
            case "bandwidth":
                body.pace = Pace(fault.bytes_per_s)
            case "reset":
                _cut_body(fault, body)
            case "html":
                return Response(200, [("Content-Type", "text/html")], _HTML)
            case "unavailable" | "error":
                raise _error(fault, sts=sts)
    return None


def _cut_body(fault: Fault, body: Body) -> None:
    if fault.when == "before":
        raise CutConnectionError
    if fault.when == "mid-body":
        half = max(1, (body.announced or 0) // 2)
        body.cut_after = half if fault.after_bytes is None else fault.after_bytes


def _error(fault: Fault, *, sts: bool) -> Exception:
    code, message, status, headers = fault.code, fault.message, fault.status, {}
    if fault.effect == "unavailable":
        code, message, status = "ServiceUnavailable", None, 503
        headers = {"Retry-After": f"{fault.seconds or DEFAULT_RETRY_AFTER_S:g}"}
    row = ERRORS.get(code)
    text = message or (row.message if row else code)
    why = {"kind": "fault", "cause": "planned"}
    if sts:
        return STSRefusedError(status or (row.status if row else 500), code, text, why=why)
    refused = RefusedError(code if row else "InternalError", text, headers=headers, why=why)
    refused.code = code
    refused.status = status or refused.status
    return refused


def apply_to_response(faults: Iterable[Fault], response: Response) -> None:
    """Apply the effects of faults that change the headers or the body of a response.

    Args:
        faults: the faults that apply to the request.
        response: the response, which is changed in place.

    Raises:
        CutConnectionError: a `reset` fault requires cutting the connection instead of responding.
    """
    for fault in faults:
        match fault.effect:
            case "reset" if fault.when == "before-answer":
                raise CutConnectionError
            case "wrong-crc":
                response.headers = [
                    (name, str(int(value) ^ 1) if name == "x-oss-hash-crc64ecma" else value)
                    for name, value in response.headers
                ]
            case "drop-etag":
                _drop(response, "etag")
            case "drop-header":
                _drop(response, fault.name.lower())
            case "truncate-xml" if response.is_xml:
                response.body = response.body[: len(response.body) // 2]
                response.length = len(response.body)
            case "endless-xml" if response.is_xml:
                response.is_endless, response.length = True, None


def _drop(response: Response, wanted: str) -> None:
    response.headers = [(name, value) for name, value in response.headers if name.lower() != wanted]


def pace_of(faults: Iterable[Fault]) -> Pace | None:
    """Return the rate limit that a `bandwidth` fault sets for the response body.

    The result is None if no such fault is in `faults`.
    """
    rates = (fault.bytes_per_s for fault in faults if fault.effect == "bandwidth")
    return next(map(Pace, rates), None)


def lifetime_of(faults: Iterable[Fault]) -> int | None:
    """Return the lifetime in seconds that a `short-lived` fault sets for new STS credentials.

    The result is None if no such fault is in `faults`.
    """
    return next((int(fault.seconds) for fault in faults if fault.effect == "short-lived"), None)


def ignores_policy(faults: Iterable[Fault]) -> bool:
    """Return whether STS must ignore session policies, because of a `no-session-policy` fault."""
    return any(fault.effect == "no-session-policy" for fault in faults)


def cut_offset(faults: Iterable[Fault], length: int) -> int | None:
    """Return how many bytes of a response body to send before a `reset` fault cuts the connection.

    Args:
        faults: the faults that apply to the request.
        length: the length of the response body in bytes.

    Returns:
        The number of bytes, or None if no fault cuts the connection during the response body.
    """
    for fault in faults:
        if fault.effect == "reset" and fault.when == "mid-answer":
            return length // 2 if fault.after_bytes is None else min(fault.after_bytes, length)
    return None


async def cut_connection(scope: Scope) -> None:
    """Close a connection with a TCP reset, so that the client receives a connection error.

    Args:
        scope: the ASGI scope of the request on this connection.
    """
    transport = scope["mock_oss.transport"]
    if transport.is_closing():
        return
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    transport.abort()
    await asyncio.sleep(0.001)  # the protocol must be notified before the request's task ends
