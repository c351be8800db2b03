"""Let the browser connect to the bucket before the first request to OSS."""

import js

from upload_page.browser.dom import listen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Preconnect:
    """Opens a connection to the bucket in advance, which saves the first request two round trips.

    Browsers close an unused connection after some seconds. So the connection is opened again when
    the person seems to be about to choose or drop files.
    """

    def __init__(self) -> None:
        self._link: Any = None

    def connect(self, origin: str) -> None:
        """Open a connection to the bucket now, and again when a person may be about to add files.

        Args:
            origin: scheme and host of the bucket.
        """
        if not self._link:
            self._link = js.document.createElement("link")
            self._link.rel = "preconnect"
            self._link.crossOrigin = "anonymous"  # as the requests: without cookies
            for event in ("pointerdown", "dragenter", "focus"):
                listen(js.window, event, self._open)
        self._link.href = origin
        self._open()

    def _open(self) -> None:
        js.document.head.append(self._link)  # browsers connect each time a link is inserted
