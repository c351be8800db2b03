"""Talks to our own server in JSON."""

import json

import js
from pyscript.ffi import to_js

from uploader.browser.interop import JsException
from uploader.oss.times import from_http
from uploader.transfer.errors import ServerRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["call", "post"]

TIMEOUT_MS = 15000


async def post(
    path: str, document: "dict[str, object] | None" = None, *, refusal: type = ServerRefused
) -> "dict[str, Any]":
    """`call` with `POST`."""
    return await call("POST", path, document, refusal=refusal)


async def call(
    method: str,
    path: str,
    document: "dict[str, object] | None" = None,
    *,
    refusal: type = ServerRefused,
) -> "dict[str, Any]":
    """Send a JSON document, or nothing, and return the JSON object of the answer; empty for a 204.

    Args:
        refusal: the class of the error to raise.

    Raises:
        ServerRefused: the server said no; status 0 if it said nothing, or something else in its
            place did, as a proxy's page of maintenance.
    """
    options = to_js({"method": method, "cache": "no-store", "redirect": "error"})
    if document:
        options.body = json.dumps(document)
        options.headers = to_js({"content-type": "application/json"})
    options.signal = js.AbortSignal.timeout(TIMEOUT_MS)
    try:
        answer = await js.fetch(path, options)
        status: int = answer.status
        wait_s = _wait_s(answer.headers.get("Retry-After") or "", answer.headers.get("Date") or "")
        text: str = await answer.text()
    except JsException as error:
        raise refusal(0, detail=str(error))
    if status == 204:
        return {}
    found = _json(text)
    if status == 200 and found is None:
        raise refusal(0, detail="the answer is no JSON object")
    if found is None:
        found = {}
    if status != 200:
        raise refusal(
            status,
            code=str(found.get("code", "")),
            detail=str(found.get("detail", "")),
            id=str(found.get("id", "")),
            quota=found.get("quota"),
            prefix=str(found.get("prefix", "")),
            retry_after_s=wait_s,
        )
    return found


def _wait_s(retry_after: str, date: str) -> "float | None":
    """Read a Retry-After: seconds, or a date by the clock of the server."""
    try:
        if retry_after.isdigit():
            return float(retry_after)
        return from_http(retry_after) - from_http(date)
    except ValueError:
        return None


def _json(text: str) -> "dict[str, Any] | None":
    """Return the JSON object in `text`, if it is one."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
