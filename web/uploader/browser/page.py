"""The page around the view: files as they arrive, its life, and its title."""

import js
from pyscript.ffi import create_proxy

from uploader.browser.files import BrowserFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "checksum_url",
    "guard_leaving",
    "origin",
    "ready",
    "receive_files",
    "report_error",
    "set_title",
]


def receive_files(handler: "Callable[[list[BrowserFile]], None]") -> None:
    """Hand over the files that were taken before Python was up, and all that come later."""

    def receive(files: "Any") -> None:
        handler([BrowserFile(files[index]) for index in range(files.length)])

    js.ossferry.listen(create_proxy(receive))


def checksum_url() -> str:
    """Return the address of the checksum worker."""
    return str(js.ossferry.crc64)


def ready() -> None:
    """Say that the page works; from now on no string becomes code."""
    js.ossferry.ready()


def guard_leaving(on: bool) -> None:
    """Let the browser ask before this page is closed, while there is something to lose."""
    js.ossferry.guardLeaving(on)


def set_title(text: str) -> None:
    """Set the title of the tab."""
    js.document.title = text


def origin() -> str:
    """Return scheme, host and port of this page."""
    return str(js.location.origin)


def report_error(error: Exception) -> None:
    """Put an error of ours on the console, where tests and developers look."""
    js.console.error(f"ossferry: {type(error).__name__}: {error}")
