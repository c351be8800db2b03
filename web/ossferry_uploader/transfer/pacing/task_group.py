"""Run several coroutines concurrently; the first error cancels all others.

MicroPython has no `asyncio.TaskGroup`, and its `asyncio.gather` leaves the other coroutines running
after an error.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence


async def run_all(functions: "Sequence[Callable[[], Awaitable[None]]]") -> None:
    """Call all functions, run the coroutines that they return concurrently, and wait for all.

    If a coroutine raises an error, or the caller is cancelled, the other coroutines are cancelled.

    Raises:
        Exception: the first error that a coroutine has raised.
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
