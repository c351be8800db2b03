"""Keeps a checkpoint for each multipart upload under way, and finds the one that fits a file.

A storage that does not work costs the resuming after a reload, never the upload: `broken` tells.
"""

import asyncio

from uploader.transfer.checkpoint import checkpoint_of, read_checkpoint
from uploader.transfer.errors import StorageBroken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.transfer.checkpoint import Checkpoint
    from uploader.transfer.credentials import GrantKeeper
    from uploader.transfer.grant import Grant
    from uploader.transfer.ports import File, Storage
    from uploader.transfer.upload import Upload

__all__ = ["Journal"]


class Journal:
    """The checkpoints of this person in this browser; `unfinished` are those of earlier pages."""

    def __init__(
        self,
        storage: "Storage",
        keeper: "GrantKeeper",
        *,
        on_change: "Callable[[Journal], None]" = lambda journal: None,
    ) -> None:
        self._on_change = on_change
        self.unfinished: list[Checkpoint] = []
        self.broken = ""
        self._loading: asyncio.Event | None = None
        self._storage = storage
        self._keeper = keeper

    async def load(self) -> None:
        """Read, once, what earlier pages left; what is broken, foreign or old is removed.

        Raises:
            GrantRefused: nobody knows yet whose records these are; ask again.
        """
        grant = await self._keeper.get()
        if self._loading:
            await self._loading.wait()
            return
        self._loading = asyncio.Event()
        await self._read(grant)
        self._loading.set()
        self._on_change(self)

    async def _read(self, grant: "Grant") -> None:
        now_s = self._keeper.server_now_s()
        try:
            for name, text in await self._storage.load():
                record = read_checkpoint(text, owner=grant.prefix, now_s=now_s)
                if record:
                    self.unfinished = self.unfinished + [record]
                else:
                    await self._storage.delete(name)
        except StorageBroken as error:
            self.broken = str(error)

    def adopt(self, upload: "Upload") -> None:
        """Give an upload the place of an unfinished one of the same file, if there is one."""
        record = self._find(upload.file)
        if record:
            self.drop(record)
            upload.take_over(record)

    def drop(self, record: "Checkpoint") -> None:
        """Take a record off the list of unfinished ones; it stays in the storage."""
        self.unfinished = [other for other in self.unfinished if other is not record]
        self._on_change(self)

    def put_back(self, record: "Checkpoint") -> None:
        """Undo `drop`."""
        self.unfinished = self.unfinished + [record]
        self._on_change(self)

    async def keep(self, upload: "Upload") -> None:
        """Write the checkpoint of a multipart upload."""
        grant = await self._keeper.get()
        record = checkpoint_of(upload, owner=grant.prefix, at_s=self._keeper.server_now_s())
        upload.kept = upload.sent
        try:
            await self._storage.save(record.key, record.text())
        except StorageBroken as error:
            self.broken = str(error)

    async def forget(self, key: str) -> None:
        """Remove the checkpoint of an object that is whole, or that nobody wants."""
        try:
            await self._storage.delete(key)
        except StorageBroken as error:
            self.broken = str(error)

    def _find(self, file: "File") -> "Checkpoint | None":
        for record in self.unfinished:
            if record.fits(file):
                return record
        return None
