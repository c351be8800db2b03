"""The queue: all uploads of the page, a few of them under way at a time."""

import asyncio
import heapq

from uploader.oss.errors import OSSError
from uploader.oss.keys import object_key
from uploader.transfer import states
from uploader.transfer.budget import CONNECTIONS
from uploader.transfer.errors import FileTooLarge, IllegalMove, TooManyFiles, TransferError
from uploader.transfer.multipart import abort, discard, send_multipart
from uploader.transfer.plan import DEFAULT_PART_BYTES, MAX_OBJECT_BYTES
from uploader.transfer.single import send_single
from uploader.transfer.upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.transfer.checkpoint import Checkpoint
    from uploader.transfer.engine import Engine
    from uploader.transfer.ports import File

__all__ = ["MAX_SINGLE_BYTES", "Queue"]

MAX_SINGLE_BYTES = 2 * DEFAULT_PART_BYTES  # larger files go in parts

MAX_FILES = 10_000  # until a grant says otherwise

STOPPED_BY_PAUSE = "pause"
STOPPED_BY_CANCEL = "cancel"


class Queue:
    """Uploads in the order they were added; `on_change(upload)` tells of every change.

    Urgent ones go first, then small ones.
    """

    def __init__(
        self,
        engine: "Engine",
        *,
        on_change: "Callable[[Upload], None]",
        active: int = CONNECTIONS,
    ) -> None:
        self.uploads: list[Upload] = []
        self._engine = engine
        self._on_change = on_change
        self._active = active
        self._running: list[tuple[Upload, asyncio.Task[None]]] = []
        self._stopping: dict[int, str] = {}
        self._line: list[tuple[tuple[bool, int, int], int, Upload]] = []
        self._lined_up = 0
        self._max_files = MAX_FILES
        self._added = 0

    def add(self, file: "File") -> Upload:
        """Take a file; it is sent as soon as there is room."""
        self._added += 1
        upload = Upload(file, self._on_change, number=self._added)
        self.uploads.append(upload)
        self._on_change(upload)
        if self._unfinished() > self._max_files:
            upload.fail(TooManyFiles(self._max_files))
        else:
            self._line_up(upload)
        return upload

    def cancel(self, upload: Upload) -> None:
        """Stop an upload at once and remove its parts; does nothing to one that has ended."""
        self._stop(upload, STOPPED_BY_CANCEL)

    def pause(self, upload: Upload) -> None:
        """Stop an upload at once; what OSS has stays there. Does nothing to one that has ended."""
        if upload.paused_for != states.BY_PERSON:
            self._stop(upload, STOPPED_BY_PAUSE)

    def resume(self, upload: Upload) -> None:
        """Go on with an upload that a person paused."""
        self.retry(upload)

    def retry(self, upload: Upload) -> None:
        """Send a failed or cancelled upload again, or go on with a paused one."""
        upload.restart()
        self._line_up(upload)

    def send_next(self, upload: Upload) -> None:
        """Let an upload go before all others."""
        upload.urgent = True
        upload.changed()
        self._line_up(upload)

    def discard(self, record: "Checkpoint") -> None:
        """Give up an upload that an earlier page left, and remove its parts."""
        self._engine.journal.drop(record)
        asyncio.create_task(self._discard(record))  # noqa: RUF006 - it ends by itself

    def remove(self, upload: Upload) -> None:
        """Forget an upload that has ended.

        Raises:
            IllegalMove: it has not; cancel it first.
        """
        if upload.state not in states.ENDED:
            raise IllegalMove(f"an upload that is {upload.state} cannot be removed")
        self.uploads.remove(upload)

    def _unfinished(self) -> int:
        return len(self._line) + len(self._running) + 1

    def _line_up(self, upload: Upload) -> None:
        """Put an upload in its place in the line; an older place is skipped when it is met."""
        self._lined_up += 1
        heapq.heappush(self._line, (upload.rank(), self._lined_up, upload))
        self._start()

    def _start(self) -> None:
        while self._line and len(self._running) < self._active:
            upload = heapq.heappop(self._line)[2]
            if upload.state == states.WAITING and not self._task_of(upload):
                self._running.append((upload, asyncio.create_task(self._run(upload))))

    def _task_of(self, upload: Upload) -> "asyncio.Task[None] | None":
        for running, task in self._running:
            if running is upload:
                return task
        return None

    def _stop(self, upload: Upload, why: str) -> None:
        if upload.state in states.ENDED:
            return
        task = self._task_of(upload)
        started = upload.state != states.WAITING
        if task and started:
            self._stopping[id(upload)] = why
            task.cancel()
            return
        if task:  # not started: nothing in it could catch the cancel
            task.cancel()
            self._ended(upload)
        self._stopped(upload, why)

    def _stopped(self, upload: Upload, why: str) -> None:
        if why == STOPPED_BY_PAUSE:
            upload.pause()
            return
        upload.go(states.CANCELLED)
        if upload.upload_id:
            asyncio.create_task(self._clean(upload))  # noqa: RUF006 - it ends by itself

    async def _run(self, upload: Upload) -> None:
        try:
            await self._send(upload)
        except asyncio.CancelledError:
            self._stopped(upload, self._stopping.pop(id(upload), STOPPED_BY_CANCEL))
        except (OSSError, TransferError) as error:
            upload.fail(error)
        except Exception as error:
            upload.fail(error)
            raise
        finally:
            self._ended(upload)

    async def _send(self, upload: Upload) -> None:
        upload.go(states.UPLOADING)
        await self._engine.persist(upload, lambda: self._prepare(upload))
        size = upload.file.size
        send = send_single if size <= MAX_SINGLE_BYTES else send_multipart
        stored = await send(upload, self._engine)
        if upload.upload_id:
            await self._engine.journal.forget(upload.key)
        upload.crc64 = stored.crc64
        upload.request_id = stored.request_id
        upload.go(states.DONE)

    async def _prepare(self, upload: Upload) -> None:
        """Check the file against the grant; give it its key, or the place of an earlier page."""
        await self._engine.journal.load()
        grant = await self._engine.keeper.get()
        limit = min(grant.max_file_size, MAX_OBJECT_BYTES)
        if upload.file.size > limit:
            raise FileTooLarge(upload.file.size, limit)
        self._max_files = grant.max_files
        if not upload.key:
            self._engine.journal.adopt(upload)
        if not upload.key:
            upload.key = object_key(
                grant.prefix,
                upload.file.name,
                at_s=self._engine.keeper.server_now_s(),
                random_hex=self._engine.ports.random.hex(16),
                path=upload.file.path,
            )

    async def _discard(self, record: "Checkpoint") -> None:
        try:
            await discard(record, self._engine)
        except (OSSError, TransferError):
            self._engine.journal.put_back(record)  # it can be discarded again

    async def _clean(self, upload: Upload) -> None:
        """Remove what a cancelled upload left at OSS; a lifecycle rule is the last resort."""
        try:
            await abort(upload, self._engine)
        except (OSSError, TransferError) as error:
            upload.error = error
            upload.changed()

    def _ended(self, upload: Upload) -> None:
        self._running = [pair for pair in self._running if pair[0] is not upload]
        self._start()
