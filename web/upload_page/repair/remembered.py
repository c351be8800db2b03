"""Texts that the browser remembers for a person: decisions by file, matched columns by header.

As with the records of uploads, each name begins with the key prefix of the person, so that nobody
gets the texts of another one, and a text is removed after 30 days.
"""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Storage(Protocol):
        """Interface to the browser's storage of texts."""

        def read(self, name: str) -> str:
            """Return a stored text; empty if there is none."""

        def write(self, name: str, text: str) -> bool:
            """Store a text; an empty one is removed. Return whether there was room."""


MOST_AGE_S = 30 * 86_400


class Remembered:
    """Texts of one kind by name, of which only the latest stay.

    Args:
        kind: the beginning of their names in the storage.
        most: the number of texts that stay.
        longest: the length of the longest text that is stored.
        now_s: returns the time in seconds since 1970.
    """

    def __init__(
        self,
        storage: "Storage",
        kind: str,
        *,
        most: int,
        longest: int,
        now_s: "Callable[[], float]",
    ) -> None:
        self._storage = storage
        self._kind = kind
        self._most = most
        self._longest = longest
        self._now_s = now_s

    def get(self, name: str) -> str:
        """Return a text; empty if there is none."""
        is_known = name in [each for each, _ in self._names()]
        return self._storage.read(f"{self._kind} {name}") if is_known else ""

    def put(self, name: str, text: str) -> bool:
        """Store a text in place of an earlier one; an empty or too long one is only removed.

        The oldest texts are removed, also if there is no room for the new one.

        Returns:
            Whether the text is stored.
        """
        names = [each for each in self._names() if each[0] != name]
        stored = text if len(text) <= self._longest else ""
        while len(names) >= self._most:
            self._forget(names.pop(0)[0])
        is_done = self._write(name, stored, names)
        while names and not is_done:
            self._forget(names.pop(0)[0])
            is_done = self._write(name, stored, names)
        return is_done and stored == text

    def _write(self, name: str, text: str, others: "list[tuple[str, float]]") -> bool:
        names = others + ([(name, self._now_s())] if text else [])
        is_stored = self._storage.write(f"{self._kind} {name}", text)
        return is_stored and self._storage.write(self._kind, json.dumps(names))

    def _forget(self, name: str) -> None:
        self._storage.write(f"{self._kind} {name}", "")

    def _names(self) -> "list[tuple[str, float]]":
        """Return `(name, time)` of the stored texts, the oldest first; forget those too old."""
        try:
            stored = json.loads(self._storage.read(self._kind) or "[]")
            names = [(str(name), float(at_s)) for name, at_s in stored]
        except (TypeError, ValueError):
            return []
        while names and names[0][1] < self._now_s() - MOST_AGE_S:
            self._forget(names.pop(0)[0])
        return names
