"""The queue: all uploads of the page, a few of them under way at a time."""

import asyncio

from uploader.oss.errors import OSSError
from uploader.transfer import states
from uploader.transfer.errors import IllegalMove, TransferError
from uploader.transfer.upload import Upload, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.transfer.credentials import GrantKeeper
    from uploader.transfer.ports import File, Ports

__all__ = ["Queue"]

PARALLEL = 6  # connections that a browser opens to one host


class Queue:
    """Uploads in the order they were added; `on_change(upload)` tells of every change."""

    def __init__(
        self,
        ports: "Ports",
        keeper: "GrantKeeper",
        *,
        on_change: "Callable[[Upload], None]",
        parallel: int = PARALLEL,
    ) -> None:
        self.uploads: list[Upload] = []
        self._ports = ports
        self._keeper = keeper
        self._on_change = on_change
        self._parallel = parallel
        self._running: list[tuple[Upload, asyncio.Task[None]]] = []

    def add(self, file: "File") -> Upload:
        """Take a file; it is sent as soon as there is room."""
        upload = Upload(file, self._on_change)
        self.uploads.append(upload)
        self._on_change(upload)
        self._start()
        return upload

    def cancel(self, upload: Upload) -> None:
        """Stop an upload at once; does nothing to one that has ended."""
        for running, task in self._running:
            if running is upload:
                task.cancel()
        if upload.state == states.WAITING:  # not started: nothing in it can catch the cancel
            self._ended(upload)
            upload.go(states.CANCELLED)

    def retry(self, upload: Upload) -> None:
        """Send a failed or cancelled upload again."""
        upload.restart()
        self._start()

    def remove(self, upload: Upload) -> None:
        """Forget an upload that has ended.

        Raises:
            IllegalMove: it has not; cancel it first.
        """
        if upload.state not in states.ENDED:
            raise IllegalMove(f"an upload that is {upload.state} cannot be removed")
        self.uploads.remove(upload)

    def _start(self) -> None:
        for upload in self.uploads:
            if len(self._running) >= self._parallel:
                return
            if upload.state == states.WAITING and not self._is_running(upload):
                self._running.append((upload, asyncio.create_task(self._run(upload))))

    def _is_running(self, upload: Upload) -> bool:
        return any(running is upload for running, _ in self._running)

    async def _run(self, upload: Upload) -> None:
        try:
            await send(upload, self._ports, self._keeper)
        except asyncio.CancelledError:
            upload.go(states.CANCELLED)
        except (OSSError, TransferError) as error:
            upload.fail(error)
        except Exception as error:
            upload.fail(error)
            raise
        finally:
            self._ended(upload)

    def _ended(self, upload: Upload) -> None:
        self._running = [pair for pair in self._running if pair[0] is not upload]
        self._start()
