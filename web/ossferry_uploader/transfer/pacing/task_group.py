"""A group of concurrent coroutines: the first error cancels all others.

`asyncio.TaskGroup` does not exist on MicroPython, and MicroPython's `asyncio.gather` leaves the
other coroutines running after an error.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence


async def run_all(functions: "Sequence[Callable[[], Awaitable[None]]]") -> None:
    """Call all functions, run their coroutines concurrently, and return when all have ended.

    If a coroutine raises an error or the caller is cancelled, the other coroutines are cancelled.

    Raises:
        Exception: the first error of a coroutine.
    """
    ended = asyncio.Event()
    errors: list[Exception] = []
    left = [len(functions)]

    async def guard(function: "Callable[[], Awaitable[None]]") -> None:
        try:
            await function()
        except Exception as error:
            errors.append(error)
            ended.set()
        left[0] -= 1
        if not left[0]:
            ended.set()

    tasks = [asyncio.create_task(guard(function)) for function in functions]
    try:
        if tasks:
            await ended.wait()
    finally:
        for task in tasks:
            task.cancel()
    if errors:
        raise errors[0]
