"""Several coroutines at once: the first error ends them all.

`asyncio.TaskGroup` does not exist on MicroPython, and its `gather` leaves the others running.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

__all__ = ["run_all"]


async def run_all(functions: "Sequence[Callable[[], Awaitable[None]]]") -> None:
    """Call all functions and wait for what they return.

    Raises:
        the first error; the others are cancelled then, as they are when the caller is.
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
