"""Functions of the browser that only requests for files need."""

import json

import js

from ossferry_uploader.browser.interop import JsException, reason_of
from ossferry_uploader.transfer.errors import ServerRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


async def fetch_words() -> "dict[str, Any]":
    """Return the sentences about requests for files, as `{language code: {key: sentence}}`.

    Raises:
        ServerRefused: the server does not answer.
    """
    try:
        answer = await js.ossferry.fetch(js.ossferry.url("requests_words"))
        text = str(await answer.text())
    except JsException as error:
        raise ServerRefused(0, detail=reason_of(error))
    words: dict[str, Any] = json.loads(text)
    return words


def day_of(at_s: float) -> str:
    """Return the local date of a time in seconds since 1970, as `2026-12-31`."""
    at = js.Date.new(float(at_s) * 1000)
    return f"{int(at.getFullYear()):04d}-{int(at.getMonth()) + 1:02d}-{int(at.getDate()):02d}"


def end_of(day: str) -> str:
    """Return the last second of a local date, such as `2026-12-31`, as ISO 8601 in UTC."""
    return str(js.Date.new(f"{day}T23:59:59").toISOString())


def download(address: str) -> None:
    """Let the browser save what is at an address, which must answer with an attachment."""
    link = js.document.createElement("a")
    link.href = address
    link.download = ""
    link.click()


def show_drop_zone(on: bool) -> None:
    """Show or hide the drop zone in a page for guests."""
    js.document.documentElement.setAttribute("data-request", "open" if on else "")
