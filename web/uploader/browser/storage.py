"""Records of uploads and handles of their files in IndexedDB, through `records.js`.

The script is loaded when it is first needed.
"""

import json

import js
from pyscript.ffi import to_js

from uploader.browser.files import BrowserFile, unreadable
from uploader.browser.interop import JsException
from uploader.transfer.errors import FileUnreadable, StorageBroken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BrowserStorage"]


class BrowserStorage:
    """The engine's `Storage` port. Records cross to JavaScript as one JSON text, which is fast."""

    async def load(self, owner: str) -> "list[tuple[str, str, bool]]":
        """Return `(name, text, whether its file can be opened again)` of names with this prefix.

        Raises:
            StorageBroken: IndexedDB is blocked, or does not exist.
        """
        found = json.loads(str(await self._do("load", owner)))
        return [(name, text, can_reopen) for name, text, can_reopen in found]

    async def save(self, records: "list[tuple[str, str, Any]]") -> None:
        """Store `(name, text, file or None)` in one transaction, with handles of the files.

        Raises:
            StorageBroken: IndexedDB is blocked or full.
        """
        texts = json.dumps([[name, text] for name, text, _ in records])
        blobs = [file.blob if file else None for _, _, file in records]
        await self._do("save", texts, to_js(blobs))

    async def open_files(self, wanted: "list[tuple[str, str]]") -> "list[Any]":
        """Open files again; the browser may ask the person for permission, once for all of them.

        Args:
            wanted: `(name, folders)` of each record.

        Returns:
            For each record the file, or a `FileUnreadable`.

        Raises:
            StorageBroken: IndexedDB is blocked.
        """
        opened = await self._do("open", json.dumps(wanted))
        files: list[BrowserFile | FileUnreadable] = []
        for index, facts in enumerate(json.loads(str(opened.facts))):
            if isinstance(facts, str):
                files.append(unreadable(facts))
            else:
                files.append(BrowserFile(opened.files[index], facts))
        return files

    async def delete(self, names: "list[str]") -> None:
        """Delete records and their handles, if they exist.

        Raises:
            StorageBroken: IndexedDB is blocked.
        """
        if names:
            await self._do("forget", json.dumps(names))

    async def _do(self, operation: str, *given: "object") -> "Any":
        try:
            return await js.ossferry.ask("records", operation, *given)
        except JsException as error:
            raise StorageBroken(str(error))
