"""What an attempt is: a threat row, words, and a function that says whether it was refused."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from attacks.worlds import Worlds

__all__ = ["Attempt", "Try", "attempts", "numbered"]

Try = Callable[[Worlds], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt.

    Attributes:
        row: the threat that it belongs to, such as ``T03``.
        refused: whether it got nothing.
    """

    row: str
    what: str
    refused: Try


def attempts(row: str, tries: Iterable[tuple[str, Try]]) -> list[Attempt]:
    """Return attempts of one row."""
    return [Attempt(row=row, what=what, refused=refused) for what, refused in tries]


def numbered(found: Iterable[Attempt]) -> dict[str, Attempt]:
    """Return attempts by id: row and number within the row, such as ``T03-07``."""
    ids: dict[str, Attempt] = {}
    counts: dict[str, int] = {}
    for attempt in found:
        counts[attempt.row] = counts.get(attempt.row, 0) + 1
        ids[f"{attempt.row}-{counts[attempt.row]:02}"] = attempt
    return ids
