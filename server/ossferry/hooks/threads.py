"""Threads for plain hooks: only so many of each, and none that keeps the process from ending."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

__all__ = ["HookThreads"]


class HookThreads:
    """Threads of one hook. A call that nobody waits for any more keeps its place until it ends."""

    def __init__(self, most: int) -> None:
        self._places = asyncio.Semaphore(most)

    async def run(self, call: Callable[[], object]) -> None:
        """Return when a call has ended; what it raises comes out."""
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
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, error)

        threading.Thread(target=work, daemon=True).start()
        await done
