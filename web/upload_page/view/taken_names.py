"""Ask the server which names of added files this person has uploaded before."""

import asyncio

from ossferry_uploader.oss.errors import OSSError
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import GrantRefused, ServerRefused, TransferError
from ossferry_uploader.transfer.options import KEEP_BOTH
from ossferry_uploader.transfer.pacing.retry import waits_for
from ossferry_uploader.transfer.sending.client import Client
from ossferry_uploader.transfer.sending.prepare import WANTED, path_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.queue import Queue
    from ossferry_uploader.transfer.upload import Upload

    Old = dict[str, Any]

FEATURE = "taken"  # of a grant
MAX_NAMES = 200  # in a request
PATIENCE_S = 2.0


class TakenNames:
    """Finds stored files with the names of added files. The added files wait for the answer.

    A stored file is a `dict` from the server: `key`, `size` in bytes, `stored_at` (ISO 8601) and
    `crc64` (decimal, or `None`); and `name`, the name that was searched.

    Attributes:
        patience_s: how long files wait for an answer, in seconds; then they are sent without it.

    Args:
        ask: sends paths to the server, and returns the list `taken` of its answer.
        report: called with the first refusal that is no outage.
    """

    def __init__(
        self,
        queue: "Queue",
        engine: "Engine",
        ask: "Callable[[list[str]], Awaitable[Any]]",
        report: "Callable[[Exception], None]",
    ) -> None:
        self.patience_s = PATIENCE_S
        self.queue = queue
        self.turns = (asyncio.Lock(), asyncio.Lock())  # for two requests at a time
        self._engine = engine
        self._ask = ask
        self._report: Callable[[Exception], None] | None = report

    def may_ask(self) -> bool:
        """Return whether names can be taken: keys have a random part, and the server can search.

        Before the first grant, the server may or may not be able to.
        """
        grant = self._engine.keeper.current
        return self.queue.options.same_name == KEEP_BOTH and (
            not grant or FEATURE in grant.features
        )

    async def find(self, uploads: "list[Upload]") -> "list[Old | None] | None":
        """Return for each upload the latest stored file with its folders and its name, or `None`.

        The result is `None` if the server does not answer in time, or refuses. Call this in a task:
        MicroPython's `wait_for` cannot wake other code.
        """
        try:
            return await asyncio.wait_for(self._find(uploads), self.patience_s)
        except ServerRefused as error:
            is_shown = isinstance(error, GrantRefused) or waits_for(error)
            if self._report and not is_shown:
                self._report(error)
                self._report = None
        except asyncio.TimeoutError:  # noqa: UP041 - MicroPython has a class of its own
            pass  # a slow server delays the question, not the files
        return None

    async def _find(self, uploads: "list[Upload]") -> "list[Old | None]":
        grant = await self._engine.keeper.get()
        asked: list[tuple[int, str, str]] = []
        found: list[Old | None] = [None] * len(uploads)
        if FEATURE in grant.features:
            await self._engine.journal.load()
            for index, upload in enumerate(uploads):
                if upload.state in states.ENDED or await self._engine.journal.continues(upload):
                    continue  # it is refused, or an earlier page has asked
                try:
                    asked.append((index, path_for(upload, grant.prefix), upload.name))
                    upload.asked_name = upload.name
                except ValueError:
                    continue  # the upload will fail: folders and name do not fit into a key
        if asked:
            answers = await self._ask([path for _, path, _ in asked])
            if not isinstance(answers, list) or len(answers) != len(asked):
                raise ServerRefused(200, detail="the names are malformed")
            for at, (index, _, name) in enumerate(asked):
                found[index] = dict(answers[at], name=name) if answers[at] else None
        return found

    async def compare(self, upload: "Upload", old: "Old") -> bool:
        """Compare the content of a file with the stored file of the same name.

        The result is in `old["same"]`: true, false, or `None` if unknown, as for
        encrypted files and for those that checks may change.

        Returns:
            Whether to ask the person. No question is needed if the file is skipped, because it is
            identical, or if it cannot be read, so that the upload fails.
        """
        grant: Grant | None = self._engine.keeper.current
        is_encrypted = grant is not None and bool(grant.encryption)
        may_change = is_encrypted or self.queue.checking.concerns(upload)
        old["same"] = None if may_change else False
        if is_encrypted or old["size"] != upload.file.size or not old["crc64"]:
            return True
        try:
            crc64 = await Client(self._engine, upload).plain_crc64()
        except (OSSError, TransferError):
            return False
        if str(crc64) == old["crc64"]:
            old["same"] = True
        skips = upload.options.skip_identical or (grant and WANTED in grant.features)
        return not (old["same"] and skips)


class Batches:
    """The names of the files that are added together, in requests of up to `MAX_NAMES` names.

    Attributes:
        taken: the uploads whose names are taken, each with the stored file. They still wait; all
            others may start as soon as their request is answered.
    """

    def __init__(self, names: TakenNames) -> None:
        self.taken: list[tuple[Upload, Old]] = []
        self._names = names
        self._waiting: list[Upload] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._has_failed = False

    def add(self, upload: "Upload") -> None:
        """Ask for the name of an upload with the next request."""
        self._waiting.append(upload)
        if len(self._waiting) == MAX_NAMES:
            self.send()

    def send(self) -> None:
        """Send a request for the names that wait."""
        batch, self._waiting = self._waiting, []
        if batch:
            turn = self._names.turns[len(self._tasks) % len(self._names.turns)]
            self._tasks.append(asyncio.create_task(self._ask(batch, turn)))

    async def finish(self) -> "list[tuple[Upload, Old]]":
        """Wait for all answers, and return `taken`."""
        self.send()
        for task in self._tasks:
            await task
        return self.taken

    async def _ask(self, batch: "list[Upload]", turn: asyncio.Lock) -> None:
        async with turn:
            found = None if self._has_failed else await self._names.find(batch)
        self._has_failed = found is None
        for index, upload in enumerate(batch):
            old = found[index] if found else None
            if old:
                self.taken.append((upload, old))
            else:
                self._names.queue.settle_name(upload)
