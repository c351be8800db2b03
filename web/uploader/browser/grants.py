"""Asks our own server for a grant."""

import json

import js
from pyscript.ffi import to_js

from uploader.browser.interop import JsException
from uploader.transfer.errors import GrantRefused
from uploader.transfer.grant import read_grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.transfer.grant import Grant

__all__ = ["ServerGrants"]

TIMEOUT_MS = 15000


class ServerGrants:
    """The engine's `Grants` port: `POST /api/grant`."""

    async def fetch(self, *, refused_key_id: str = "") -> "Grant":
        """Return a grant, but not the one with the access key id that OSS refused.

        Raises:
            GrantRefused: the server said no; status 0 if it said nothing.
        """
        options = to_js({"method": "POST", "cache": "no-store", "redirect": "error"})
        if refused_key_id:
            options.body = json.dumps({"refused_key_id": refused_key_id})
            options.headers = to_js({"content-type": "application/json"})
        options.signal = js.AbortSignal.timeout(TIMEOUT_MS)
        try:
            answer = await js.fetch("/api/grant", options)
            status: int = answer.status
            retry_after: str = answer.headers.get("Retry-After") or ""
            text: str = await answer.text()
        except JsException as error:
            raise GrantRefused(0, detail=str(error))
        document = _json(text)
        if status != 200:
            raise GrantRefused(
                status,
                code=str(document.get("code", "")),
                detail=str(document.get("detail", "")),
                id=str(document.get("id", "")),
                retry_after_s=float(retry_after) if retry_after.isdigit() else None,
            )
        return read_grant(document)


def _json(text: str) -> "dict[str, object]":
    """Return the JSON object in `text`; empty if it is none, as behind a proxy's error page."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
