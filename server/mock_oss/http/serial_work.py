"""A queue of jobs that run one after the other on a thread pool.

A worker thread takes the next job directly from the queue, without waiting for the event loop.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor


class SerialWork:
    """Runs jobs one after the other on a thread pool, in the order in which they were added.

    After a job has raised an exception, later jobs are not run.

    Args:
        executor: the thread pool.
        limit_bytes: `wait_for_capacity` waits while at least this many bytes are queued.
    """

    def __init__(self, executor: Executor, limit_bytes: int) -> None:
        self._executor = executor
        self._limit = limit_bytes
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._jobs: deque[tuple[Callable[[list[bytes]], None], list[bytes], int]] = deque()
        self._queued = 0
        self._running = False
        self._waiter: tuple[int, asyncio.Future[None]] | None = None
        self._error: BaseException | None = None

    def post(self, job: Callable[[list[bytes]], None], pieces: list[bytes], size: int) -> None:
        """Add a job to the queue: a call of `job(pieces)`.

        Args:
            job: the function to call in a worker thread.
            pieces: the argument of the function.
            size: the number of bytes in `pieces`.
        """
        with self._lock:
            self._jobs.append((job, pieces, size))
            self._queued += size
            start, self._running = not self._running, True
        if start:
            self._executor.submit(self._run)

    async def wait_for_capacity(self) -> None:
        """Wait until fewer than `limit_bytes` are queued; raise the exception of a failed job."""
        await self._below(self._limit)

    async def finish(self) -> None:
        """Wait until no job is queued or running; raise the exception of a failed job."""
        await self._below(1)

    async def _below(self, threshold: int) -> None:
        with self._lock:
            if self._queued < threshold and not (threshold == 1 and self._running):
                waiter = None
            else:
                waiter = self._loop.create_future()
                self._waiter = (threshold, waiter)
        if waiter is not None:
            await waiter
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._running = False
                    self._wake()
                    return
                job, pieces, size = self._jobs.popleft()
            if self._error is None:
                try:
                    job(pieces)
                except BaseException as e:  # raised again in the event loop
                    self._error = e
            with self._lock:
                self._queued -= size
                self._wake()

    def _wake(self) -> None:
        """Wake the coroutine that waits for a shorter queue, if the queue is now short enough.

        The caller must hold the lock.
        """
        if self._waiter is None:
            return
        threshold, waiter = self._waiter
        if self._queued < threshold and not (threshold == 1 and self._running):
            self._waiter = None
            self._loop.call_soon_threadsafe(_resolve, waiter)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
