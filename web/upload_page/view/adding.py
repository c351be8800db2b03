"""Add files to the queue in groups, and ask the person about names that are taken.

A name is taken if it is in the list, or if the person has stored a file with this name in the same
folders.
"""

import asyncio

from ossferry_uploader.oss.keys import safe_name, safe_path
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import IllegalMove, ServerRefused, TransferError
from upload_page.view.signals import Signal
from upload_page.view.taken_names import Batches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.ports import Clock
    from ossferry_uploader.transfer.queue import Queue
    from ossferry_uploader.transfer.upload import Upload
    from upload_page.view.actions import Actions
    from upload_page.view.model import QueueModel, UploadModel
    from upload_page.view.taken_names import Old, TakenNames

FIRST_FILES = 20  # enough rows to fill a window
FILES_AT_ONCE = 100
AT_ONCE_S = 0.015  # adding files for longer would make the page feel blocked
MAX_NAME_BYTES = 255  # longer names are shortened
MAX_PATH_BYTES = 700  # folders and name; fits in a key after any prefix
KEEP_BOTH, REPLACE, RENAME, SKIP = "keep_both", "replace", "rename", "skip"


class Adding:
    """Adds files to the queue, and asks the person about names that are taken.

    Attributes:
        asks: whether to ask about files with the same name; otherwise the option `same_name` of the
            queue decides about them.
        holds: whether new uploads are paused until a person or the embedding site starts them.
        pending: a signal: how many calls of `take` have files that are not in the list yet.

    Args:
        new_id: returns 128 random bits as hexadecimal text. The keys of all files that are added
            with one folder contain the same bits.
    """

    def __init__(
        self,
        queue: "Queue",
        model: "QueueModel",
        actions: "Actions",
        clock: "Clock",
        *,
        names: "TakenNames",
        new_id: "Callable[[], str]",
    ) -> None:
        self.asks = True
        self.holds = False
        self.pending = Signal(0)
        self._drops = 0  # calls of `drop`
        self._is_closed = False
        self._waiting: list[Iterable[File]] = []  # files that came while `_is_closed`
        self._new_id = new_id
        self._names = names
        self._stored: set[tuple[str, str]] = set()  # names that are taken
        self._queue = queue
        self._model = model
        self._actions = actions
        self._clock = clock
        self._asking = asyncio.Lock()
        self._renamed: list[Upload] = []  # which have got another name, and wait
        queue.on_name = self._name_changed

    def close(self) -> None:
        """Let files that are added from now on wait until `open` is called."""
        self._is_closed = True

    def open(self) -> None:
        """Add the files that wait since `close`, and from now on add files at once."""
        self._is_closed = False
        waiting, self._waiting = self._waiting, []
        for files in waiting:
            self._start(files)

    def take(self, files: "Iterable[File]") -> None:
        """Start to add files to the queue or, after `close`, let them wait for `open`."""
        self.pending.set(self.pending.get() + 1)
        if self._is_closed:
            self._waiting.append(files)
        else:
            self._start(files)

    def drop(self) -> None:
        """Stop adding the files of all earlier calls of `take`; files in the list stay there."""
        self._drops += 1
        self.pending.set(self.pending.get() - len(self._waiting))
        self._waiting = []

    def _start(self, files: "Iterable[File]") -> None:
        async def add(drops: int) -> None:
            try:
                if drops == self._drops:
                    await self.add(files)
            finally:
                self.pending.set(self.pending.get() - 1)

        asyncio.create_task(add(self._drops))  # noqa: RUF006 - it ends by itself

    async def add(self, files: "Iterable[File]") -> None:
        """Add files to the queue in groups, and let the page do other work after each group.

        Afterwards, ask the person about the files whose name is taken.
        """
        drops = self._drops
        taken: dict[tuple[str, str], object] = dict(self._taken())
        twice: list[File] = []
        folder_ids = _FolderIds(self._new_id)
        batches = Batches(self._names)
        awaits_name = self.asks and self._names.may_ask()
        added, count = 0, FIRST_FILES
        until_s = self._clock.elapsed_s() + AT_ONCE_S
        for file in files:
            if drops != self._drops:
                break
            full_name = _full_name(file)
            if self.asks and full_name in taken:
                twice.append(file)
                continue
            taken[full_name] = file
            upload = self._add(file, awaits_name=awaits_name)
            upload.target.folder_id = folder_ids.id_for(file)
            if awaits_name:
                batches.add(upload)
            added += 1
            if added == count or self._clock.elapsed_s() >= until_s:
                if count == FIRST_FILES:
                    batches.send()
                await self._show()
                added, count = 0, FILES_AT_ONCE
                until_s = self._clock.elapsed_s() + AT_ONCE_S
        if added:
            batches.send()
            await self._show()
        found = await batches.finish()
        if found or twice:
            async with self._asking:
                await self._ask_stored(found)
                if drops == self._drops:
                    await self._ask(twice, drops)

    def _add(self, file: "File", *, awaits_name: bool = False) -> "Upload":
        upload = self._queue.add(file, awaits_name=awaits_name)
        if self.holds:
            upload.pause()
        return upload

    async def _show(self) -> None:
        """Let the added uploads start, and show them in the list.

        Then let other code of the page run. In a hidden page, a wait of some milliseconds could
        take a minute.
        """
        await asyncio.sleep(0)
        self._model.flush()
        await self._clock.sleep(0)

    def _taken(self) -> "dict[tuple[str, str], UploadModel]":
        return {
            (item.upload.file.path, item.upload.name): item
            for item in self._model.rows.get()
            if item.state.get() != states.CANCELLED
        }

    def _name_changed(self, upload: "Upload") -> None:
        self._renamed.append(upload)
        if len(self._renamed) == 1:
            asyncio.create_task(self._ask_renamed())  # noqa: RUF006 - it ends by itself

    async def _ask_renamed(self) -> None:
        """Ask about uploads that have got another name, from their checks or from the person."""
        await self._show()
        renamed, self._renamed = self._renamed, []
        found: list[tuple[Upload, Old]] = []
        batches = Batches(self._names)
        for index, upload in enumerate(renamed):
            if self._row_with_name_of(upload, renamed[index:] + self._renamed):
                found.append((upload, {"name": upload.name}))
            elif self.asks and self._names.may_ask():
                batches.add(upload)
            else:
                self._queue.settle_name(upload)
        found += await batches.finish()
        if found:
            async with self._asking:
                await self._ask_stored(found)

    def _row_with_name_of(self, upload: "Upload", later: "list[Upload]") -> "UploadModel | None":
        """Return the row of another upload with the name and folders of an upload.

        Args:
            later: uploads for which the person is asked later, with this one.
        """
        for item in self._model.rows.get() if self.asks else []:
            other = item.upload
            is_same = (other.file.path, other.name) == (upload.file.path, upload.name)
            if is_same and other not in later and item.state.get() != states.CANCELLED:
                found: UploadModel = item
                return found
        return None

    async def _ask_stored(self, found: "list[tuple[Upload, Old]]") -> None:
        """Ask the person about uploads whose name is taken; then they may start.

        Another file has the name: a stored one or, without `old["key"]`, one in the list.
        """
        choice, for_all, name = KEEP_BOTH, False, ""
        for index, (upload, old) in enumerate(found):
            self._stored.add((upload.file.path, upload.name))
            row = None if "key" in old else self._row_with_name_of(upload, [])
            asks = row is not None
            if "key" in old and _waits(upload, old):
                asks = await self._names.compare(upload, old)
            asks = asks and _waits(upload, old)
            if asks and not for_all:
                more, there = len(found) - index - 1, row.upload.file if row else old
                choice, for_all, name = await self._choice(upload.file, upload.name, there, more)
                asks = _waits(upload, old)
            if asks and choice == RENAME:
                self._rename(upload, name)
                name = ""  # the next one gets its own
            elif asks and choice == REPLACE and row:
                self._actions.replace(row, upload)
            elif asks and choice == REPLACE:
                self._queue.replace(upload, old["key"])
            if asks and choice == SKIP:
                self._actions.skip(upload)
            else:
                self._queue.settle_name(upload)

    async def _ask(self, files: "list[File]", drops: int) -> None:
        """Ask about files whose name is in the list; `_ask_renamed` asks about their new names."""
        choice, for_all, name = KEEP_BOTH, False, ""
        taken = self._taken()
        for index, file in enumerate(files):
            old = taken.get(_full_name(file))
            if old and not for_all:
                more = len(files) - index - 1
                there = old.upload.file
                choice, for_all, name = await self._choice(file, file.name, there, more)
            if drops != self._drops:
                break
            if not old or choice == KEEP_BOTH:
                self._add(file)
            elif choice == REPLACE:
                self._actions.replace(old, self._add(file))
            elif choice == RENAME:
                upload = self._add(file, awaits_name=True)
                self._rename(upload, name)
                name = ""
                self._queue.settle_name(upload)
        if files:
            self._model.flush()

    def _rename(self, upload: "Upload", name: str) -> None:
        """Give an upload a name, or the next free name if that is in the list.

        If the upload cannot have another name, it keeps its own, and both files are kept.
        """
        self._model.flush()  # with the uploads that have just been added
        taken = self._taken()
        if not name or (upload.file.path, name) in taken:
            name = self._free_name(upload.file.path, upload.name, taken)
        self._stored.add((upload.file.path, name))  # a check may give it only later
        try:
            self._queue.describe(upload, name, upload.options.details())
        except (IllegalMove, TransferError, ValueError):
            return

    def _free_name(
        self, path: str, taken_name: str, taken: "dict[tuple[str, str], UploadModel]"
    ) -> str:
        stem, dot, ending = safe_name(taken_name).rpartition(".")
        if not stem:
            stem, dot, ending = ending, "", ""
        before, is_numbered, number_of = stem.rpartition(" (")
        if is_numbered and number_of.endswith(")") and number_of[:-1].isdigit():
            stem = before
        number, name = 1, ""
        while not name or (path, name) in taken or (path, name) in self._stored:
            number += 1
            name = f"{stem} ({number}){dot}{ending}"
        return name

    async def _choice(
        self, new: "File", name: str, old: "File | Old", more: int
    ) -> "tuple[str, bool, str]":
        proposal = self._free_name(new.path, name, self._taken())
        given = new, old, name, more, self._clock.now_s(), proposal
        try:
            choice, for_all, name = await self._actions.ask(
                "same_name", *given, lambda name: self._actions.name_problem(new, name)
            )
        except ServerRefused:
            return KEEP_BOTH, False, ""  # the dialog cannot be loaded now; nothing is lost
        return choice, for_all, name


class _FolderIds:
    """Gives all files of a folder the same random id, which becomes a part of their keys.

    The files of the folder are therefore in one folder of the bucket. If a file with this id could
    get the same key as another file, `id_for` returns an empty text. The key of the file then gets
    its own random id, so that no object overwrites another object.
    """

    def __init__(self, new_id: "Callable[[], str]") -> None:
        self._new_id = new_id
        self._id = ""
        self._taken: dict[str, bool] = {}

    def id_for(self, file: "File") -> str:
        if not file.path:
            return ""
        path = safe_path(file.path) + safe_name(file.name)
        is_long = len(file.name.encode()) > MAX_NAME_BYTES or len(path.encode()) > MAX_PATH_BYTES
        if is_long or path in self._taken:
            return ""
        self._taken[path] = True
        self._id = self._id or self._new_id()
        return self._id


def _waits(upload: "Upload", old: "Old") -> bool:
    """Return whether an upload still has the name that is taken, and was not cancelled."""
    return upload.name == old["name"] and upload.state not in states.ENDED


def _full_name(file: "File") -> "tuple[str, str]":
    return (file.path, file.name)
