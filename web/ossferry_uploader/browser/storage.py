"""Storage of upload records and file handles in IndexedDB.

A record describes an unfinished upload. With a file handle, a page can read the same file again
after a reload, without asking the person to choose it. The script `records.js`, which accesses
IndexedDB, is loaded when it is first needed.
"""

import json

import js

from ossferry_uploader.browser.files import BrowserFile, unreadable
from ossferry_uploader.browser.interop import JsException, to_js
from ossferry_uploader.transfer.errors import FileUnreadable, StorageBroken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BrowserStorage:
    """Stores upload records in IndexedDB; implements `transfer.ports.Storage`.

    Many records are passed to JavaScript as one JSON text, which is faster than many calls.
    """

    async def load(self, owner: str) -> "list[tuple[str, str, bool]]":
        """Return all records whose names begin with `owner`, the key prefix of a person.

        Returns:
            A list of `(name, text, can_reopen)`: the name of the record, the record as JSON text,
            and whether a file handle is stored with it.

        Raises:
            StorageBroken: IndexedDB is blocked, or does not exist.
        """
        records = json.loads(str(await self._do("load", owner)))
        return [(name, text, can_reopen) for name, text, can_reopen in records]

    async def find(self, start: str, without: str = "") -> "list[tuple[str, str]]":
        """Return `(name, JSON text)` of each record whose name begins with `start`.

        Args:
            start: the beginning of the names.
            without: leave out the records whose text contains this; empty for all records.

        Raises:
            StorageBroken: IndexedDB is blocked, or does not exist.
        """
        found = json.loads(str(await self._do("find", start, without)))
        return [(name, text) for name, text in found]

    async def save(
        self, records: "list[tuple[str, str, Any]]", gone: "list[str] | None" = None
    ) -> None:
        """Store records, and the handles of their files, in one transaction.

        Args:
            records: a list of `(name, JSON text, file)`; `file` is the `BrowserFile` whose handle
                is stored, or `None` to keep the handle that is already stored.
            gone: names of records that are deleted in the same transaction.

        Raises:
            StorageBroken: IndexedDB is blocked or full.
        """
        texts = json.dumps([[name, text] for name, text, _ in records])
        blobs = [file.blob if file else None for _, _, file in records]
        await self._do("save", texts, to_js(blobs), json.dumps(gone or []))

    async def open_files(self, wanted: "list[tuple[str, str]]") -> "list[Any]":
        """Open the files of stored records with the stored file handles.

        The browser may ask the person for permission.

        Args:
            wanted: `(name of the record, folders of its file)` for each file; the folders are text
                such as `a/b`.

        Returns:
            For each record, in the same order, a `BrowserFile`, or a `FileUnreadable` error if the
            file cannot be opened.

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
        """Delete the records with these names, and the handles of the files; ignore unknown names.

        Raises:
            StorageBroken: IndexedDB is blocked.
        """
        if names:
            await self._do("forget", json.dumps(names))

    async def _do(self, operation: str, *given: "object") -> "Any":
        try:
            return await js.ossferry.ask("storage", operation, *given)
        except JsException as error:
            raise StorageBroken(str(error))
