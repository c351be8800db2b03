"""The `Principal` class, and the type of functions that identify the principal of a request."""

import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request

from ossferry.identity.object_keys import BIDI

MAX_NAME_LENGTH = 100
MAX_ID_LENGTH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person or program that the server has identified.

    Attributes:
        id: permanent id, never given to another principal; the key prefix is computed from it.
        name: the name to display; never used for access decisions.
    """

    id: str
    name: str


Identify: TypeAlias = Callable[[Request], Awaitable[Principal]]
"""A function that returns the principal of a request, or raises `NotIdentifiedError`."""


def display_name(given: object, *, otherwise: str) -> str:
    """Return a name to display: Unicode form NFC, at most 100 characters, no control characters.

    Args:
        given: the name from the identity provider; a value that is not text is ignored.
        otherwise: the result if `given` has no visible character.
    """
    text = unicodedata.normalize("NFC", given) if isinstance(given, str) else ""
    shown = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return shown.strip()[:MAX_NAME_LENGTH] or otherwise


def plain_text(given: object, *, lines: bool = False) -> object:
    """Return a text to display: Unicode form NFC, no control characters, one line.

    Characters that change the text direction are removed, because they could disguise an address.
    A value that is not text is returned as it is.

    Args:
        lines: whether line feeds stay.
    """
    if not isinstance(given, str):
        return given
    text = unicodedata.normalize("NFC", "\n".join(given.splitlines()))
    text = text if lines else text.replace("\n", " ")
    shown = (
        char for char in text if char == "\n" or unicodedata.category(char) not in ("Cc", "Cs")
    )
    return "".join(char for char in shown if char not in BIDI).strip()


def is_plain_id(text: str) -> bool:
    """Return whether an id is printable, in Unicode form NFKC, and at most 256 characters long.

    In NFKC, texts that look the same have one form. Upper and lower case are different: an issuer
    may have two people with the ids `eve` and `Eve`.
    """
    one_form = unicodedata.is_normalized("NFKC", text) and text == text.strip()
    return 0 < len(text) <= MAX_ID_LENGTH and text.isprintable() and one_form
