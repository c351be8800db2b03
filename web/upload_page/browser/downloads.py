"""Save stored files: with the browser's own downloads, or as one ZIP archive (`page/zip.js`)."""

import json

import js
from pyscript.ffi import create_proxy, to_js

from ossferry_uploader.browser.interop import JsException, reason_of, release
from ossferry_uploader.transfer.errors import ServerRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def download(address: str) -> None:
    """Let the browser save what is at an address, which must answer with an attachment."""
    link = js.document.createElement("a")
    link.href = address
    link.download = ""
    link.click()


async def fetch_text(address: str, size: int) -> str:
    """Return the first `size` bytes at an address as text in UTF-8.

    Raises:
        ServerRefused: the storage does not answer with the bytes.
    """
    options = to_js({"headers": {"range": f"bytes=0-{size - 1}"}})
    try:
        answer = await js.ossferry.fetch(address, options)
        if int(answer.status) not in (200, 206):
            raise ServerRefused(int(answer.status))
        return str(await answer.text())
    except JsException as error:
        raise ServerRefused(0, detail=reason_of(error))


class Archive:
    """A ZIP archive that downloads stored files one after the other.

    Attributes:
        place: where the archive is written: `picked` by the person, in the browser's `storage` or
            in its `memory`; `cancelled` by the person, or `nowhere`, because the browser has no
            room for it. With the last two, do not call the methods.
    """

    def __init__(self, archive: "Any") -> None:
        self._archive = archive
        self._proxy: Any = None
        self.place = str(archive.place)

    @classmethod
    async def open(cls, name: str, size: int) -> "Archive":
        """Return a new archive; call this soon after a click, as the browser may ask for a place.

        Args:
            name: the name of the archive's file.
            size: the size of all files in bytes.

        Raises:
            ServerRefused: the server does not answer.
        """
        try:
            return cls(await js.ossferry.ask("zip", "open", name, float(size)))
        except JsException as error:
            raise ServerRefused(0, detail=reason_of(error))

    async def start(self, progress: "Callable[[int], None]") -> str:
        """Start the worker; return an empty text, or the reason why it does not start.

        Args:
            progress: called with the number of bytes that have arrived since the last call.
        """
        self._proxy = create_proxy(lambda size: progress(int(str(size))))
        return str(await self._archive.start(self._proxy))

    async def add(self, path: str, url: str, size: int, at_s: float) -> str:
        """Download a file into the archive; return an empty text, or why the download failed.

        Args:
            path: folders and name of the file in the archive.
            url: the address of the file.
            size: the size of the file in bytes.
            at_s: the time of the file in seconds since 1970.
        """
        file = {"url": url, "path": path, "size": size, "at": int(at_s) * 1000}
        return str(await self._archive.add(json.dumps(file)))

    async def finish(self) -> str:
        """Complete and save the archive; return an empty text, or the reason if that failed."""
        return str(await self._archive.finish())

    def close(self) -> None:
        """End the downloads, and drop an archive that is not complete."""
        self._archive.close()
        release(self._proxy)
