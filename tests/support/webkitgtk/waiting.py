"""Waiting for the page: timeouts and polling."""

import time
from collections.abc import Callable
from typing import TypeVar

from support.config import load

TIMEOUT_S = load().timeout_ms / 1000
PAUSE_S = 0.03

T = TypeVar("T")


def until(ask: Callable[[], T], say: Callable[[], str], *, timeout_s: float = TIMEOUT_S) -> T:
    """Poll until the answer is true, and return it.

    Raises:
        AssertionError: the time is over; `say()` describes the last state.
    """
    ends_s = time.monotonic() + timeout_s
    while not (answer := ask()):
        if time.monotonic() > ends_s:
            raise AssertionError(f"{say()} (after {timeout_s:g} s)")
        time.sleep(PAUSE_S)
    return answer
