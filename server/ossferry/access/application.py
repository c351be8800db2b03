"""A time limit for functions of the application that hosts the server, such as `authorize`."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from ossferry.errors import ApplicationLostError

APPLICATION_S = 10.0
"""The seconds that a function of an application may take."""

T = TypeVar("T")


async def answer_of(name: str, answer: Awaitable[T], *, patience_s: float = APPLICATION_S) -> T:
    """Await the result of a host application's function, and return it.

    Exceptions that the function raises are passed on.

    Args:
        name: name of the function, such as `authorize`, for the error.
        answer: the awaitable that the function has returned.
        patience_s: seconds after which the function is cancelled.

    Raises:
        ApplicationLostError: the function did not end in time.
    """
    limit = asyncio.timeout(patience_s)
    try:
        async with limit:
            return await answer
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise ApplicationLostError(name) from error
