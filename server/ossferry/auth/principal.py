"""The person or program that is asking, and the shape of every function that finds out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request

__all__ = ["Identify", "Principal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who our server thinks is asking.

    Attributes:
        id: never changes and is never given to another; the key prefix is made from it.
        name: shown to people; decides nothing.
    """

    id: str
    name: str


Identify: TypeAlias = Callable[[Request], Awaitable[Principal]]
"""Answers who is asking, or raises `NotIdentifiedError`."""
