"""Principals: the person or program that sends a request, and the type of identifying functions."""

import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request

__all__ = ["Identify", "Principal", "display_name", "is_plain_id"]

MAX_NAME_LENGTH = 100
MAX_ID_LENGTH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person or program that the server has identified.

    Attributes:
        id: never changes and is never given to another principal; the key prefix depends on it.
        name: the name to display; no decision depends on it.
    """

    id: str
    name: str


Identify: TypeAlias = Callable[[Request], Awaitable[Principal]]
"""A function that returns the principal of a request, or raises `NotIdentifiedError`."""


def display_name(given: object, *, otherwise: str) -> str:
    """Return a name to display: in form NFC, at most 100 characters, no control characters.

    Args:
        given: the name from the identity provider; anything but text counts as no name.
        otherwise: the result when `given` holds no visible character.
    """
    text = unicodedata.normalize("NFC", given) if isinstance(given, str) else ""
    shown = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return shown[:MAX_NAME_LENGTH] or otherwise


def is_plain_id(text: str) -> bool:
    """Whether an id is printable, in form NFKC, and at most 256 characters long.

    NFKC has one form for text that looks the same. Case counts: an issuer may have two people with
    the ids ``eve`` and ``Eve``.
    """
    one_form = unicodedata.is_normalized("NFKC", text) and text == text.strip()
    return 0 < len(text) <= MAX_ID_LENGTH and text.isprintable() and one_form
