"""Takes files into the queue: many without making anybody wait, and none over another unasked."""

import asyncio

from uploader.oss.keys import safe_name, safe_path
from uploader.transfer import states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from uploader.transfer.files import File
    from uploader.transfer.ports import Clock
    from uploader.transfer.queue import Queue
    from uploader.view.actions import Actions
    from uploader.view.model import QueueModel, UploadModel

__all__ = ["Adding"]

FIRST_FILES = 20  # fill a window
FILES_AT_ONCE = 100
AT_ONCE_S = 0.015  # a page that takes in files longer than that keeps people waiting
BREATH_S = 0.01
MAX_NAME_BYTES = 255  # a longer one is cut
MAX_PLACE_BYTES = 700  # what a key has room for below any prefix
KEEP_BOTH, REPLACE = "keep_both", "replace"


class Adding:
    """Adds files; about one whose name is already in the list a person is asked.

    `new_id()` returns 128 random bits, for a folder whose files lie together.
    """

    def __init__(
        self,
        queue: "Queue",
        model: "QueueModel",
        actions: "Actions",
        clock: "Clock",
        *,
        new_id: "Callable[[], str]",
    ) -> None:
        self._new_id = new_id
        self._queue = queue
        self._model = model
        self._actions = actions
        self._clock = clock
        self._asking = asyncio.Lock()

    async def add(self, files: "Iterable[File]") -> None:
        """Add files: some, then whatever else the page has to do, then more."""
        taken: dict[tuple[str, str], object] = dict(self._taken())
        twice: list[File] = []
        together = _Together(self._new_id)
        added, count = 0, FIRST_FILES
        until_s = self._clock.elapsed_s() + AT_ONCE_S
        for file in files:
            place = _place(file)
            if place in taken:
                twice.append(file)
                continue
            taken[place] = file
            self._queue.add(file).target.join_folder(together.id_for(file))
            added += 1
            if added == count or self._clock.elapsed_s() >= until_s:
                await self._show()
                added, count = 0, FILES_AT_ONCE
                until_s = self._clock.elapsed_s() + AT_ONCE_S
        if added:
            await self._show()
        if twice:
            async with self._asking:
                await self._ask(twice)

    async def _show(self) -> None:
        """Show what was added, once it is being read; then others have their turn."""
        await asyncio.sleep(0)
        self._model.flush()
        await self._clock.sleep(BREATH_S)

    def _taken(self) -> "dict[tuple[str, str], UploadModel]":
        return {
            _place(item.upload.file): item
            for item in self._model.rows.get()
            if item.state.get() != states.CANCELLED
        }

    async def _ask(self, files: "list[File]") -> None:
        choice, for_all = KEEP_BOTH, False
        taken = self._taken()
        for index, file in enumerate(files):
            old = taken.get(_place(file))
            if old and not for_all:
                more = len(files) - index - 1
                choice, for_all = await self._actions.ask(
                    "same_name", file, old.upload.file, more, self._clock.now_s()
                )
            if not old or choice == KEEP_BOTH:
                self._queue.add(file)
            elif choice == REPLACE:
                self._actions.replace(old, self._queue.add(file))
        self._model.flush()


class _Together:
    """One id for all files of a dropped folder, so that it is one folder in the bucket too.

    Not for files whose keys could be the same: they would overwrite each other.
    """

    def __init__(self, new_id: "Callable[[], str]") -> None:
        self._new_id = new_id
        self._id = ""
        self._taken: dict[str, bool] = {}

    def id_for(self, file: "File") -> str:
        if not file.path:
            return ""
        place = safe_path(file.path) + safe_name(file.name)
        is_long = len(file.name.encode()) > MAX_NAME_BYTES or len(place.encode()) > MAX_PLACE_BYTES
        if is_long or place in self._taken:
            return ""
        self._taken[place] = True
        self._id = self._id or self._new_id()
        return self._id


def _place(file: "File") -> "tuple[str, str]":
    return (file.path, file.name)
