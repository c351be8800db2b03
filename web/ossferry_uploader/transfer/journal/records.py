"""Read and write the records of unfinished uploads in the browser's storage.

If the storage does not work, files are still uploaded, but no upload continues after a reload.
"""

import asyncio

from ossferry_uploader.transfer.errors import StorageBroken
from ossferry_uploader.transfer.journal.checkpoint import (
    Checkpoint,
    fingerprint,
    names_of,
    read_checkpoint,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.grants.credentials import GrantKeeper
    from ossferry_uploader.transfer.ports import Storage

AT_ONCE = 100  # records to read, before other tasks run


class Records:
    """Reads and writes the records of one person's uploads in the browser's storage.

    A record is the saved state of an upload. If the storage fails, only `open_files` raises an
    error; the other methods store the error message in `broken`, and call `on_change()`.

    Attributes:
        owner: the key prefix of the person; empty until the prefix is known.
        upload_ids: the ids of the multipart uploads that this tab has created or found in records.
        broken: the error message of the browser's storage; empty if no error has occurred.
    """

    def __init__(
        self, storage: "Storage", keeper: "GrantKeeper", on_change: "Callable[[], None]"
    ) -> None:
        self.owner = ""
        self.upload_ids: set[str] = set()
        self.broken = ""
        self._storage = storage
        self._keeper = keeper
        self._on_change = on_change

    def parse(self, text: str) -> "Checkpoint | None":
        """Return the record in a JSON text, and add the id of its multipart upload to `upload_ids`.

        The result is `None` if the text is malformed, or if the record is too old or belongs to
        another person.
        """
        record = read_checkpoint(text, owner=self.owner, now_s=self._keeper.server_now_s())
        if record:
            self.upload_ids.add(record.upload_id)
        return record

    async def stored(self) -> "list[Checkpoint]":
        """Return all records of the person who uploads; delete malformed and old ones."""
        records: list[Checkpoint] = []
        refused: list[str] = []
        try:
            for name, text, can_reopen in await self._storage.load(self.owner):
                record = self.parse(text)
                if record:
                    record.stored_as = name
                    record.can_reopen = can_reopen
                    records.append(record)
                else:
                    refused.append(name)
                if (len(records) + len(refused)) % AT_ONCE == 0:
                    await asyncio.sleep(0)
            if refused:
                await self._storage.delete(refused)
        except StorageBroken as error:
            self._break(error)
        return records

    async def of_file(
        self, file: "File | Checkpoint", *, without_page: str = ""
    ) -> "list[Checkpoint]":
        """Read the storage, and return the present person's records of uploads of a file.

        Args:
            without_page: leave out the records that this tab has written, see `Checkpoint.page`.
                Parsing the record of each small file would slow down the page.
        """
        wanted = fingerprint(file)
        records = await self._find(names_of(self.owner, file), without_page)
        return [record for record in records if fingerprint(record) == wanted]

    async def current(self, record: "Checkpoint") -> "Checkpoint | None":
        """Read the storage, and return the record with the name `record.stored_as`, or `None`."""
        records = await self._find(record.stored_as)
        return next((other for other in records if other.stored_as == record.stored_as), None)

    async def _find(self, start: str, without_page: str = "") -> "list[Checkpoint]":
        records: list[Checkpoint] = []
        try:
            for name, text in await self._storage.find(start, without_page):
                record = self.parse(text)
                if record:
                    record.stored_as = name
                    records.append(record)
        except StorageBroken as error:
            self._break(error)
        return records

    async def save(
        self, records: "list[tuple[str, str, File | None]]", gone: "list[str] | None" = None
    ) -> None:
        """Write records to the browser's storage in one transaction.

        Args:
            records: `(name, text, file)` of each record. The handle of the file is stored too, so
                that a later page can open the file again; `None` keeps the handle that is already
                stored.
            gone: the names of records that are removed in the same transaction.
        """
        try:
            await self._storage.save(records, gone)
        except StorageBroken as error:
            self._break(error)

    async def erase(self, names: "list[str]") -> None:
        """Remove the records with these names from the browser's storage."""
        try:
            await self._storage.delete(names)
        except StorageBroken as error:
            self._break(error)

    async def open_files(self, records: "list[Checkpoint]") -> "list[Any]":
        """Open the files of records with the stored file handles, without a file chooser.

        Call this method in the handler of a click, because the browser may ask the person for
        permission.

        Returns:
            For each record, in the same order, a `File`, or a `FileUnreadable` error if the file
            cannot be opened.

        Raises:
            StorageBroken: the browser's storage does not work.
        """
        return await self._storage.open_files(
            [(record.stored_as, record.path) for record in records]
        )

    def _break(self, error: StorageBroken) -> None:
        self.broken = str(error)
        self._on_change()
