"""A limited number of threads for synchronous hooks.

The threads are daemon threads, so a running hook does not delay the exit of the process.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress


class HookThreads:
    """Runs the calls of one hook in threads.

    If a caller stops waiting for a call, the call still counts towards the limit until it ends.

    Args:
        most: maximum number of concurrent calls.
    """

    def __init__(self, most: int) -> None:
        self._places = asyncio.Semaphore(most)

    async def run(self, call: Callable[[], object]) -> None:
        """Run a call in a thread and wait until it ends; exceptions of the call are passed on.

        If the maximum number of calls is already running, first wait until one of them ends.
        """
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: Exception | None) -> None:
            self._places.release()
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def work() -> None:
            error = None
            try:
                call()
            except Exception as raised:
                error = raised
            with suppress(RuntimeError):  # the event loop has been closed
                loop.call_soon_threadsafe(settle, error)

        threading.Thread(target=work, daemon=True).start()
        await done
